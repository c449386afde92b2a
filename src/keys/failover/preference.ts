import { parseKeyUri } from '../uri.ts';

/** Where a key is, as seen from here: in the same region of a cloud, elsewhere in one, or on no network at all. */
export type KeyPlace = 'near' | 'remote' | 'offline';

/** The places, those that are asked first at the front. */
export const USUAL_ORDER: readonly KeyPlace[] = ['near', 'remote', 'offline'];

const OFFLINE = new Set(['local', 'x25519', 'pkcs11']);

/**
 * Where the key of a URI is.
 *
 * @param region such as `eu-central-1` (AWS) or `europe-west3` (Google Cloud); without one, no key is near
 */
export function placeOf(uri: string, region: string | undefined): KeyPlace {
  const { scheme, rest } = parseKeyUri(uri);
  if (OFFLINE.has(scheme)) return 'offline';
  const there = scheme === 'awskms' ? rest.split(':')[3] : /\/locations\/([^/]+)\//.exec(rest)?.[1];
  return region !== undefined && there === region ? 'near' : 'remote';
}
