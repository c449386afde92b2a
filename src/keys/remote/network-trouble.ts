import { WaxsealError } from '../../errors/index.ts';
import type { Trouble } from './trouble.ts';

/** Failed before anything was sent. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);
/** The way is gone: before anything was sent, or in the middle of it. */
const NO_WAY = new Set(['EHOSTUNREACH', 'ENETUNREACH']);
/** Failed on the way: whether the server did something is unknown. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);

/**
 * What a failed connection means, or undefined for errors of another kind. Looks at the causes, too.
 *
 * @param uri of the key, for messages
 */
export function networkTrouble(error: unknown, uri: string): Trouble | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause ?? firstOf(at), depth += 1) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code !== 'string') {
      if (at.name === 'TimeoutError' || at.message === 'socket hang up')
        return unreachable(uri, at.message, error, false);
      continue;
    }
    if (NOT_CONNECTED.has(code)) return unreachable(uri, code, error, true);
    if (NO_WAY.has(code)) return unreachable(uri, code, error, isConnecting(at));
    if (BROKEN_OFF.has(code)) return unreachable(uri, code, error, false);
    if (isCertificateError(code)) return distrusted(uri, code, error);
  }
  return undefined;
}

function isConnecting({ syscall }: NodeJS.ErrnoException): boolean {
  return syscall === 'connect' || syscall === 'getaddrinfo';
}

/** Of a connection that was tried at several addresses. */
function firstOf(error: Error): unknown {
  return error instanceof AggregateError ? (error.errors as unknown[])[0] : undefined;
}

function unreachable(uri: string, why: string, cause: unknown, untouched: boolean): Trouble {
  const error = new WaxsealError('ERR_PROVIDER_UNAVAILABLE', `the server of ${uri} cannot be reached (${why})`, {
    object: uri,
    cause,
  });
  return { error, outage: true, untouched };
}

function isCertificateError(code: string): boolean {
  return code.startsWith('CERT_') || code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || TLS_CODES.has(code);
}

const TLS_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

function distrusted(uri: string, code: string, cause: unknown): Trouble {
  const error = new WaxsealError(
    'ERR_PROVIDER_UNAVAILABLE',
    `the TLS certificate of the server of ${uri} is not trusted (${code})`,
    {
      object: uri,
      next: 'check the endpoint; give the certificate authority of a private server with NODE_EXTRA_CA_CERTS or the caFile option. Checks are never switched off',
      retryable: false,
      cause,
    },
  );
  return { error };
}
