import { resolve } from 'node:path';
import { WaxsealError } from '../errors/index.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { parseKeyUri } from '../keys/uri.ts';
import type { Config } from './config.ts';
import { askPassphrase } from './passphrase.ts';

/** A key of a provider outside this machine's keyring. */
export type RemoteKey = KeyProvider & { close(): void };

/** Key URI schemes whose adapters are loaded when a key is named. */
const REMOTE = ['awskms', 'gcpkms', 'hashivault', 'pkcs11'] as const;
type RemoteScheme = (typeof REMOTE)[number];

/** Whether the URI names a key that lives with a provider. @throws WaxsealError `ERR_INVALID_KEY_URI` */
export function isRemote(uri: string): boolean {
  return remoteScheme(uri) !== undefined;
}

function remoteScheme(uri: string): RemoteScheme | undefined {
  const { scheme } = parseKeyUri(uri);
  return REMOTE.find((known) => known === scheme);
}

/**
 * Opens a key by its URI, with what the configuration says about its provider. Only the adapter of that provider is
 * loaded.
 *
 * @throws WaxsealError as the adapters; `ERR_PROVIDER_UNSUPPORTED` for providers that this version does not have
 */
export async function openRemoteKey(uri: string, config: Config, signal: AbortSignal): Promise<RemoteKey> {
  switch (remoteScheme(uri)) {
    case 'awskms': {
      const { awsKms, parseAwsKmsUri } = await import('../../providers/aws-kms/index.ts');
      const { discovery: _, ...settings } = config.awskms ?? {};
      return awsKms({ ...settings, ...parseAwsKmsUri(uri), signal });
    }
    case 'gcpkms': {
      const { gcpKms, parseGcpKmsUri } = await import('../../providers/gcp-kms/index.ts');
      const { keyFile, ...settings } = config.gcpkms ?? {};
      return gcpKms({ ...settings, ...inFolder(config, { keyFile }), ...parseGcpKmsUri(uri), signal });
    }
    case 'hashivault': {
      const { parseTransitUri, vaultTransit } = await import('../../providers/vault-transit/index.ts');
      const { tokenFile, caFile, clientCertFile, clientKeyFile, ...settings } = config.hashivault ?? {};
      const files = inFolder(config, { tokenFile, caFile, clientCertFile, clientKeyFile });
      return vaultTransit({ ...settings, ...files, ...parseTransitUri(uri), signal });
    }
    case 'pkcs11': {
      const { pkcs11 } = await import('../../providers/pkcs11/index.ts');
      return pkcs11({ ...pkcs11Settings(uri, config, signal), signal });
    }
    case undefined:
      throw notInThisVersion(uri);
  }
}

/**
 * The URI under which objects record the key, where that can be told without asking the provider; undefined for an alias.
 */
export async function recordedUriOf(uri: string): Promise<string | undefined> {
  switch (remoteScheme(uri)) {
    case 'awskms': {
      const { parseAwsKmsUri } = await import('../../providers/aws-kms/key-uri.ts');
      const { key } = parseAwsKmsUri(uri);
      return key.startsWith('arn:') && key.includes(':key/') ? `awskms:///${key}` : undefined;
    }
    case 'gcpkms': {
      const { parseGcpKmsUri, recordedUri } = await import('../../providers/gcp-kms/key-uri.ts');
      return recordedUri(parseGcpKmsUri(uri).key);
    }
    case 'hashivault': {
      const { parseTransitUri } = await import('../../providers/vault-transit/key-uri.ts');
      const { mount, key } = parseTransitUri(uri);
      return `hashivault://${mount}/${key}`;
    }
    case 'pkcs11': {
      const { parsePkcs11Uri, recordedUri } = await import('../../providers/pkcs11/key-uri.ts');
      const { token, serial, object, id } = parsePkcs11Uri(uri);
      return recordedUri({ token, serial, object, id });
    }
    case undefined:
      return uri;
  }
}

/** Makes a key at its provider, where that is done from here. */
export async function createRemoteKey(uri: string, config: Config, signal: AbortSignal): Promise<RemoteKey> {
  const scheme = remoteScheme(uri);
  if (scheme === 'pkcs11') {
    const { createPkcs11Key } = await import('../../providers/pkcs11/index.ts');
    return createPkcs11Key({ ...pkcs11Settings(uri, config, signal), signal });
  }
  if (scheme === undefined) throw notInThisVersion(uri);
  const how = {
    awskms: 'aws kms create-key, then aws kms create-alias',
    gcpkms: 'gcloud kms keys create NAME --keyring RING --location LOCATION --purpose encryption',
    hashivault: 'vault write -f MOUNT/keys/NAME derived=true',
  }[scheme];
  throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `keys of ${scheme}: are made with the tools of their provider`, {
    object: uri,
    next: how,
  });
}

/** Opens whatever the discovery filter of the configuration allows. */
export async function discoverAwsKeys(config: Config): Promise<RemoteKey | undefined> {
  const { discovery, ...settings } = config.awskms ?? {};
  if (discovery === undefined) return undefined;
  const { awsKmsDiscovery } = await import('../../providers/aws-kms/index.ts');
  return awsKmsDiscovery({ ...settings, ...discovery });
}

/** The PIN comes from a file, the environment, or is asked for once. */
function pkcs11Settings(uri: string, config: Config, signal: AbortSignal): { uri: string; [name: string]: unknown } {
  const { pinFile, ...settings } = config.pkcs11 ?? {};
  const file = inFolder(config, { pinFile });
  if (file['pinFile'] !== undefined || uri.includes('pin-source=')) return { ...settings, ...file, uri };
  const pin = (): Promise<string> => {
    const fromEnvironment = process.env['WAXSEAL_PKCS11_PIN'];
    if (fromEnvironment !== undefined) return Promise.resolve(fromEnvironment);
    return askPassphrase(`PIN for ${uri}`, signal, 'pin-source in the URI, pinFile in the configuration');
  };
  return { ...settings, pin, uri };
}

/** Relative paths in a configuration are meant from where it stands. */
function inFolder(
  { file }: Config,
  paths: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const base = file === undefined ? '.' : resolve(file, '..');
  return Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [[name, resolve(base, path)]])),
  );
}

/** The error for the URI of a provider that comes later. */
export function notInThisVersion(uri: string): WaxsealError {
  const { scheme } = parseKeyUri(uri);
  return new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${scheme}: keys are not in this version of waxseal`, {
    object: uri,
    next: 'use one of local:, x25519:, awskms:, gcpkms:, hashivault: or pkcs11:, or a later version',
  });
}
