import { WaxsealError } from '../errors/index.ts';
import { KEY_SCHEMES } from './uri.ts';

/** `quorum:K(URI,URI,…)`, taken apart. */
export interface QuorumUri {
  /** How many custodians it takes. */
  readonly threshold: number;
  /** The custodians' URIs, as they were given. */
  readonly custodians: readonly string[];
}

const FORM = /^quorum:([0-9]{1,2})\((.+)\)$/s;
/** A comma that is followed by another URI: the URIs of some providers have commas in them. */
const BETWEEN = new RegExp(`,\\s*(?=(?:${KEY_SCHEMES.join('|')}):)`);

/** Whether a URI names a quorum. */
export function isQuorumUri(uri: string): boolean {
  return uri.startsWith('quorum:');
}

/**
 * Parses the URI of a quorum.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function parseQuorumUri(uri: string): QuorumUri {
  const [, threshold, list] = FORM.exec(uri) ?? [];
  const custodians = list?.split(BETWEEN).map((one) => one.trim()) ?? [];
  if (threshold === undefined) throw invalid(uri, 'it is not of the form quorum:2(URI,URI,URI)');
  if (custodians.some(isQuorumUri)) throw invalid(uri, 'a custodian cannot be a quorum itself');
  const unknown = custodians.find((one) => !KEY_SCHEMES.some((scheme) => one.startsWith(`${scheme}:`)));
  if (unknown !== undefined) throw invalid(uri, `"${unknown}" in it is no key URI`);
  const k = Number(threshold);
  if (k === 1) throw invalid(uri, 'one of several keys needs no quorum: give each with -k');
  if (k < 2 || k > custodians.length) {
    throw invalid(uri, `${threshold} of ${String(custodians.length)} custodians is not possible`);
  }
  return { threshold: k, custodians };
}

function invalid(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${uri}" cannot be used: ${why}`, {
    object: uri,
    next: "write 'quorum:2(URI,URI,URI)' in quotes: any 2 of these custodians open together",
  });
}
