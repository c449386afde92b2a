import { WaxsealError } from '../../src/errors/index.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';
import { aliasRegion, parseKeyArn } from './arn.ts';

/** A key URI of AWS KMS, as a person gives it. */
export interface AwsKmsUri {
  /** ARN of a key or an alias, an alias name (`alias/…`), or a key id. */
  readonly key: string;
  /** Of `region=`. */
  readonly region?: string;
  /** Of `endpoint=`. */
  readonly endpoint?: string;
}

const KEY_ID = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The URI that objects record: the ARN of the key, never an alias, region or endpoint. */
export function recordedUri(arn: string): string {
  return `awskms:///${arn}`;
}

/** The ARN in a recorded URI; undefined for any other text. */
export function recordedArn(uri: string): string | undefined {
  return uri.startsWith('awskms:///') ? parseKeyArn(uri.slice('awskms:///'.length))?.arn : undefined;
}

/**
 * Parses `awskms:///KEY?region=…&endpoint=…`.
 *
 * @throws WaxsealError `ERR_INVALID_KEY_URI`
 */
export function parseAwsKmsUri(uri: string): AwsKmsUri {
  const { scheme, rest } = parseKeyUri(uri);
  if (scheme !== 'awskms' || !rest.startsWith('///')) throw invalid(uri, 'it does not begin with awskms:///');
  const [key = '', query, more] = rest.slice(3).split('?');
  if (more !== undefined) throw invalid(uri, 'it has two question marks');
  if (!isKeyName(key)) throw invalid(uri, `"${key}" is no key ARN, alias ARN, alias/NAME or key id`);
  const out: { key: string; region?: string; endpoint?: string } = { key };
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    if (name !== 'region' && name !== 'endpoint') throw invalid(uri, `"${name}" is unknown (region, endpoint)`);
    if (seen.has(name)) throw invalid(uri, `"${name}" stands in it twice`);
    seen.add(name);
    out[name] = value;
  }
  return out;
}

/** Whether KMS could take the text for a key. */
export function isKeyName(text: string): boolean {
  return parseKeyArn(text) !== undefined || aliasRegion(text) !== null || KEY_ID.test(text);
}

function invalid(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_INVALID_KEY_URI', `the key URI "${uri}" cannot be used: ${why}`, {
    object: uri,
    next: 'write awskms:///arn:aws:kms:REGION:ACCOUNT:key/ID, or awskms:///alias/NAME?region=REGION',
  });
}
