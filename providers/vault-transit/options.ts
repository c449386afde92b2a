import { refuseUnknownOptions, WaxsealError } from '../../src/errors/index.ts';
import {
  CALL_LIMITS,
  type CallLimits,
  requireCertificateChecks,
  requireEndpoint,
} from '../../src/keys/remote/index.ts';

/** Options of `vaultTransit`. What is absent comes from the environment variables of Vault (VAULT_…) or OpenBao (BAO_…). */
export interface VaultTransitOptions extends CallLimits {
  /** Name of the key. It must be `derived`: the server ignores the context of others. */
  readonly key: string;
  /** Path of the secrets engine; `transit` by default. */
  readonly mount?: string | undefined;
  /** Address of the server; VAULT_ADDR or BAO_ADDR. https, or http to this machine. */
  readonly address?: string | undefined;
  /** VAULT_NAMESPACE or BAO_NAMESPACE. */
  readonly namespace?: string | undefined;
  /** The token, or what gives one; asked again when the server no longer takes it. VAULT_TOKEN or BAO_TOKEN. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** File with the token, read again when the server no longer takes it; ~/.vault-token by default. */
  readonly tokenFile?: string | undefined;
  /** Certificate authority of the server (PEM); VAULT_CACERT or BAO_CACERT. */
  readonly caFile?: string | undefined;
  /** Certificate of this client (PEM); VAULT_CLIENT_CERT or BAO_CLIENT_CERT. */
  readonly clientCertFile?: string | undefined;
  /** Its private key (PEM); VAULT_CLIENT_KEY or BAO_CLIENT_KEY. */
  readonly clientKeyFile?: string | undefined;
  /** Calls that are waiting at the same time share a request: at most so many, 32 by default; 1 turns that off. */
  readonly batch?: number | undefined;
  /**
   * Use the key although these credentials may not read what it is: for policies that allow single calls only. You vouch
   * that it is `derived`; otherwise a wrap could be moved from one object to another.
   */
  readonly assumeDerived?: boolean | undefined;
}

const NAMES = [
  'key',
  'mount',
  'address',
  'namespace',
  'token',
  'tokenFile',
  'caFile',
  'clientCertFile',
  'clientKeyFile',
  'batch',
  'assumeDerived',
  ...CALL_LIMITS,
] as const;

/** Where the server is, and how this client shows itself. */
export interface Connection {
  readonly address: URL;
  readonly namespace: string | undefined;
  readonly caFile: string | undefined;
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
}

const MAX_BATCH = 256;

/** @throws TypeError or RangeError for options that are unknown or of another kind */
export function checkOptions(options: VaultTransitOptions, more: readonly string[]): void {
  refuseUnknownOptions('vaultTransit', options, [...NAMES, ...more]);
  const { batch, assumeDerived, token, ...texts } = options;
  for (const name of [
    'key',
    'mount',
    'address',
    'namespace',
    'tokenFile',
    'caFile',
    'clientCertFile',
    'clientKeyFile',
  ] as const) {
    const value: unknown = texts[name];
    if (value !== undefined && typeof value !== 'string') throw new TypeError(`vaultTransit: ${name} must be a text`);
  }
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
    throw new TypeError('vaultTransit: token must be a text or a function');
  }
  if (token !== undefined && options.tokenFile !== undefined) {
    throw new TypeError('vaultTransit: token and tokenFile exclude each other');
  }
  if (assumeDerived !== undefined && typeof assumeDerived !== 'boolean') {
    throw new TypeError('vaultTransit: assumeDerived must be true or false');
  }
  if (batch !== undefined && (!Number.isSafeInteger(batch) || batch < 1 || batch > MAX_BATCH)) {
    throw new RangeError(`vaultTransit: batch must be 1 to ${String(MAX_BATCH)}`);
  }
}

/**
 * The connection that options and environment ask for.
 *
 * @throws WaxsealError `ERR_CONFIG` without an address, for plain http to another machine, and where the environment
 * switches certificate checks off
 */
export function connectionOf(options: VaultTransitOptions): Connection {
  refuseSkipVerify();
  requireCertificateChecks();
  const address = options.address ?? fromEnvironment('ADDR');
  if (address === undefined) {
    throw new WaxsealError('ERR_CONFIG', 'the address of Vault or OpenBao is not known', {
      next: 'set VAULT_ADDR (or BAO_ADDR), or give the address option or ?address= in the key URI',
    });
  }
  return {
    address: requireEndpoint(address, 'the address of Vault'),
    namespace: options.namespace ?? fromEnvironment('NAMESPACE'),
    caFile: options.caFile ?? fromEnvironment('CACERT'),
    clientCertFile: options.clientCertFile ?? fromEnvironment('CLIENT_CERT'),
    clientKeyFile: options.clientKeyFile ?? fromEnvironment('CLIENT_KEY'),
  };
}

/** VAULT_NAME, else BAO_NAME; an empty one counts as absent. */
export function fromEnvironment(name: string): string | undefined {
  const [vault, bao] = [process.env[`VAULT_${name}`], process.env[`BAO_${name}`]];
  return vault !== undefined && vault !== '' ? vault : bao === '' ? undefined : bao;
}

function refuseSkipVerify(): void {
  for (const name of ['VAULT_SKIP_VERIFY', 'BAO_SKIP_VERIFY']) {
    const value = process.env[name];
    if (value === undefined || ['', '0', 'f', 'false'].includes(value.toLowerCase())) continue;
    throw new WaxsealError('ERR_CONFIG', `${name} asks not to check certificates, which is never done`, {
      object: name,
      next: `unset ${name}, and give the certificate authority of the server with VAULT_CACERT`,
    });
  }
}
