import type { protos } from '@google-cloud/kms';
import { WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions, KeyDescription, KeyState, KeyVersion } from '../../src/keys/provider.ts';
import type { KmsCalls } from './calls.ts';
import { parseKeyName, versionOf } from './name.ts';
import { cryptoKey } from './primary.ts';

type Version = protos.google.cloud.kms.v1.ICryptoKeyVersion;
type Timestamp = protos.google.protobuf.ITimestamp;

/** States of a version that is not enabled. An enabled one is active where it is the primary, else deactivated. */
const STATES: Readonly<Record<string, KeyState>> = {
  PENDING_GENERATION: 'pre-activation',
  PENDING_IMPORT: 'pre-activation',
  DISABLED: 'suspended',
  DESTROY_SCHEDULED: 'suspended',
  PENDING_EXTERNAL_DESTRUCTION: 'suspended',
  DESTROYED: 'destroyed',
};

const PROTECTION: Readonly<Record<string, KeyDescription['protectionLevel']>> = {
  SOFTWARE: 'software',
  HSM: 'hsm',
  HSM_SINGLE_TENANT: 'hsm',
  EXTERNAL: 'external',
  EXTERNAL_VPC: 'external',
};

const MAX_VERSIONS = 10_000;
const PAGE = 1000;

/** What a key is, with all its versions. @throws WaxsealError `ERR_PROVIDER_UNSUPPORTED` for a key that does not encrypt */
export async function describeKey(calls: KmsCalls, options: CallOptions): Promise<KeyDescription> {
  const key = await cryptoKey(calls, options);
  if (key.purpose !== 'ENCRYPT_DECRYPT') throw wrongPurpose(calls.uri, String(key.purpose));
  const primary = versionOf(key.primary?.name, calls.key);
  const isUsable = key.primary?.state === 'ENABLED';
  const listed = await listVersions(calls, options);
  const versions = listed
    .flatMap((one): KeyVersion[] => {
      const version = versionOf(one.name, calls.key);
      if (version === undefined) return [];
      const enabled = version === primary ? 'active' : 'deactivated';
      const state = one.state === 'ENABLED' ? enabled : (STATES[String(one.state)] ?? 'suspended');
      return [{ version, label: version, state, created: dateOf(one.createTime) }];
    })
    .sort((a, b) => Number(a.version) - Number(b.version));
  const created = versions.find(({ version }) => version === primary)?.created;
  return {
    uri: calls.uri,
    currentVersion: isUsable ? primary : undefined,
    versions,
    region: parseKeyName(calls.key)?.location,
    protectionLevel:
      PROTECTION[String(key.primary?.protectionLevel ?? key.versionTemplate?.protectionLevel)] ?? 'software',
    lastRotated: versions.length > 1 ? created : undefined,
  };
}

async function listVersions(calls: KmsCalls, options: CallOptions): Promise<Version[]> {
  const found: Version[] = [];
  let pageToken = '';
  do {
    const request = { parent: calls.key, pageSize: PAGE, pageToken };
    const page = await calls.send(
      'ListCryptoKeyVersions',
      options,
      async (client, requestOptions) => {
        const answer = await client.listCryptoKeyVersions(request, { ...requestOptions, autoPaginate: false });
        return [{ versions: answer[0], next: answer[2].nextPageToken ?? '' }];
      },
      (one) => one,
    );
    found.push(...page.versions);
    pageToken = page.next;
  } while (pageToken !== '' && found.length < MAX_VERSIONS);
  return found;
}

function dateOf(time: Timestamp | null | undefined): Date | undefined {
  return time?.seconds === undefined || time.seconds === null ? undefined : new Date(Number(time.seconds) * 1000);
}

function wrongPurpose(uri: string, purpose: string): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${uri} is a key for ${purpose}`, {
    object: uri,
    next: 'use a key with purpose ENCRYPT_DECRYPT (symmetric encryption)',
  });
}
