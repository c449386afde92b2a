import { WaxsealError } from '../errors/index.ts';
import { isLocalName, parseKeyUri } from '../keys/uri.ts';
import { isRemote, notInThisVersion } from './remote-keys.ts';

/** The name of a key pair: without a scheme, because its URI is its public key. */
export function pairName(name: string): string {
  if (isLocalName(name)) return name;
  throw new WaxsealError('ERR_INVALID_KEY_URI', `"${name}" cannot be the name of a key pair`, {
    object: name,
    next: 'a name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit; it has no scheme such as local:',
  });
}

/** The NAME of `local:NAME`, for what only local keys can do; other providers are not in this version. */
export function localName(uri: string): string {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme === 'x25519') {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', 'a key pair has no versions: another pair is another key', {
      object: uri,
      next: `make a new pair (waxseal key create NAME --x25519), then waxseal rewrap --from ${uri} --to its URI`,
    });
  }
  if (scheme !== 'local' && !isRemote(uri)) throw notInThisVersion(uri);
  if (scheme !== 'local') {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${scheme}: keys cannot do that from here`, {
      object: uri,
      next: 'use the tools of the provider, or a local key (local:NAME)',
    });
  }
  return rest;
}
