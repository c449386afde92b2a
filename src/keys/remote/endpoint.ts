import { isIP } from 'node:net';
import { WaxsealError } from '../../errors/index.ts';

/**
 * Checks the address of a server: https, or plain http to this machine alone.
 *
 * @param what how messages name it
 * @throws WaxsealError `ERR_CONFIG`
 */
export function requireEndpoint(text: string, what: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused(text, what, 'is no URL');
  }
  if (url.username !== '' || url.password !== '') throw refused(url.host, what, 'has credentials in it');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw refused(text, what, 'does not begin with https:');
  if (isLoopback(url.hostname)) return url;
  throw refused(text, what, 'is plain http, which is allowed to this machine only (127.0.0.1, ::1, localhost)');
}

/**
 * Certificates are always checked: an environment that switches that off for the whole process is refused.
 *
 * @throws WaxsealError `ERR_CONFIG`
 */
export function requireCertificateChecks(): void {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new WaxsealError('ERR_CONFIG', 'NODE_TLS_REJECT_UNAUTHORIZED=0 asks not to check certificates', {
    object: 'NODE_TLS_REJECT_UNAUTHORIZED',
    next: 'unset it; give the certificate authority of a private server with NODE_EXTRA_CA_CERTS or the caFile option',
  });
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function refused(given: string, what: string, why: string): WaxsealError {
  // What stands before an @ may be a password.
  const text = given.slice(given.lastIndexOf('@') + 1);
  return new WaxsealError('ERR_CONFIG', `${what} ${text} ${why}`, {
    object: text,
    next: 'use an https address whose certificate this machine trusts',
  });
}
