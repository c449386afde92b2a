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
  } catch (cause) {
    throw refused(text, what, 'is no URL', cause);
  }
  if (url.username !== '' || url.password !== '') throw refused(url.host, what, 'has credentials in it');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw refused(text, what, 'does not begin with https:');
  if (isLoopback(url.hostname)) return url;
  throw refused(text, what, 'is plain http, which is allowed to this machine only (127.0.0.1, ::1, localhost)');
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function refused(text: string, what: string, why: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_CONFIG', `${what} ${text} ${why}`, {
    object: text,
    next: 'use an https address whose certificate this machine trusts',
    cause,
  });
}
