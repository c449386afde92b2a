import { WaxsealError } from '../../errors/index.ts';

/**
 * The one answer to a wrong key, other associated data, a changed byte and a segment out of its place: telling them
 * apart would tell an attacker how far a forgery came.
 */
export function authenticationFailed(): WaxsealError {
  return new WaxsealError('ERR_AUTHENTICATION', 'authentication failed: wrong key, or the data was changed');
}

/** The data ends although its authenticated part, or its markers, say that more follows. */
export function truncated(what: string): WaxsealError {
  return new WaxsealError('ERR_TRUNCATED', `the data ends ${what}`);
}

/** There are bytes where nothing may follow. */
export function trailingData(what: string): WaxsealError {
  return new WaxsealError('ERR_TRAILING_DATA', `there are bytes after the end of ${what}`);
}

/** A rule of FLOE is broken that needs no key to check. */
export function malformed(message: string): WaxsealError {
  return new WaxsealError('ERR_MALFORMED', message);
}
