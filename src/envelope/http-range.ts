import { WaxsealError } from '../errors/index.ts';

/** A range of a plaintext, as an HTTP server needs it. */
export interface ByteRange {
  /** First byte, included. */
  readonly start: number;
  /** Last byte, excluded: `end - start` is the `Content-Length`. */
  readonly end: number;
  /** Value of the `Content-Range` field of the answer, `bytes 0-499/1234`: there the last byte is included. */
  readonly contentRange: string;
}

/**
 * What a `Range` field asks for, as RFC 9110, section 14 has it: `bytes=0-499`, `bytes=500-`, or `bytes=-500` for the
 * last 500 bytes. A last byte past the end means the end.
 *
 * @param header value of the field; undefined or null when the request has none
 * @param size bytes of the whole plaintext
 * @returns undefined when the server is to answer 200 with everything: without a field, and for one that is not valid,
 * has another unit or asks for several ranges, all of which the RFC lets a server ignore. A server also ignores the
 * field of anything but a GET
 * @throws WaxsealError `ERR_RANGE_NOT_SATISFIABLE` when no byte is asked for that exists: answer 416, with a
 * `Content-Range` of `bytes`, a space, an asterisk, a slash and `size` of the error. TypeError, RangeError for a wrong
 * argument
 * @see RFC 9110, sections 14.1.2, 14.2, 14.4 and 15.5.17
 *
 * @example
 * const object = await openObject('video.mp4.wax', keyring.key('default'));
 * const range = parseRange('bytes=-500', object.size);
 * const body = object.stream(range?.start, range?.end); // 206 with range.contentRange; 200 when undefined
 */
export function parseRange(header: string | null | undefined, size: number): ByteRange | undefined {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`parseRange: size is a number of bytes, 0 or more; got ${String(size)}`);
  }
  const asked = header === undefined || header === null ? undefined : readRangeField(header);
  return asked === undefined ? undefined : rangeWithin(asked, size, 'the object');
}

/** A valid `Range` field with one range of bytes. Numbers past 2^53 are rounded: they lie past any end. */
export type AskedRange =
  { readonly first: number; readonly last: number | undefined } | { readonly suffixLength: number };

/** The syntax alone; undefined when it is none, or of a kind that is not supported. */
export function readRangeField(header: string): AskedRange | undefined {
  if (typeof header !== 'string') throw new TypeError('a range is text: bytes=FIRST-LAST, bytes=FIRST-, bytes=-LENGTH');
  // Names of range units do not care about case (RFC 9110, section 14.1).
  const match = /^bytes=(?:(?<first>[0-9]+)-(?<last>[0-9]*)|-(?<suffix>[0-9]+))$/i.exec(header);
  if (match?.groups === undefined) return undefined;
  const { first, last, suffix } = match.groups;
  if (suffix !== undefined) return { suffixLength: Number(suffix) };
  const range = { first: Number(first), last: last === undefined || last === '' ? undefined : Number(last) };
  return range.last !== undefined && range.last < range.first ? undefined : range;
}

/**
 * Lays a range into an object.
 *
 * @throws WaxsealError `ERR_RANGE_NOT_SATISFIABLE`
 */
export function rangeWithin(asked: AskedRange, size: number, name: string): ByteRange {
  const isSuffix = 'suffixLength' in asked;
  const start = isSuffix ? Math.max(0, size - asked.suffixLength) : asked.first;
  // The RFC allows a suffix of an empty representation, but Content-Range cannot say it: 416 here, too.
  if (start >= size)
    throw notSatisfiable(
      isSuffix ? `the last ${String(asked.suffixLength)} bytes` : `byte ${String(start)}`,
      size,
      name,
    );
  const end = isSuffix || asked.last === undefined ? size : Math.min(asked.last + 1, size);
  return { start, end, contentRange: `bytes ${String(start)}-${String(end - 1)}/${String(size)}` };
}

/** The refusal of a range of which no byte exists. */
export function notSatisfiable(what: string, size: number, name: string): WaxsealError {
  return new WaxsealError(
    'ERR_RANGE_NOT_SATISFIABLE',
    `${what} of ${name} cannot be given: it has ${String(size)} bytes`,
    { object: name, size },
  );
}
