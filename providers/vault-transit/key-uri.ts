import { WaxsealError } from '../../src/errors/index.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';

/** A key URI of Transit, as a person gives it. */
export interface TransitUri {
  /** Path of the secrets engine, without slashes around it. */
  readonly mount: string;
  /** Name of the key. */
  readonly key: string;
  /** Of `address=`. */
  readonly address?: string;
  /** Of `namespace=`. */
  readonly namespace?: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The URI that objects record: mount and key, never an address or a namespace. */
export function recordedUri(mount: string, key: string): string {
  return `hashivault://${mount}/${key}`;
}

/** Whether the text can be the path of a mount; `..` and empty parts cannot. */
export function isMount(text: string): boolean {
  return text.length <= 256 && text.split('/').every(isName);
}

/** Whether the text can be the name of a key. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Parses `hashivault://MOUNT/KEY?address=…&namespace=…`. A mount may have slashes: the last part is the key.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function parseTransitUri(uri: string): TransitUri {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme !== 'hashivault' || !rest.startsWith('//')) throw invalid(uri, 'it does not begin with hashivault://');
  const [path = '', query, more] = rest.slice(2).split('?');
  if (more !== undefined) throw invalid(uri, 'it has two question marks');
  const slash = path.lastIndexOf('/');
  const [mount, key] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
  if (slash < 0 || !isMount(mount)) throw invalid(uri, 'the mount is missing or has characters that no mount has');
  if (!isName(key)) throw invalid(uri, `"${key}" cannot be the name of a key`);
  const out: { mount: string; key: string; address?: string; namespace?: string } = { mount, key };
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    if (name !== 'address' && name !== 'namespace') throw invalid(uri, `"${name}" is unknown (address, namespace)`);
    if (seen.has(name)) throw invalid(uri, `"${name}" stands in it twice`);
    seen.add(name);
    out[name] = value;
  }
  return out;
}

function invalid(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${uri}" cannot be used: ${why}`, {
    object: uri,
    next: 'write hashivault://MOUNT/KEY, for instance hashivault://transit/models',
  });
}
