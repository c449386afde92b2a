import { fileURLToPath } from 'node:url';
import { equalBytes } from '../bytes/index.ts';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import { type Head } from './format/head.ts';
import { FLOE_HEADER_LENGTH } from './format/limits.ts';
import { openSource, type OpenSource, type PieceSource } from './source.ts';

/** Where the payload of a detached header lies, unless the caller says otherwise: `x.wax` and `x.floe`. */
export function payloadPathOf(headerPath: string): string {
  return `${headerPath.endsWith('.wax') ? headerPath.slice(0, -'.wax'.length) : headerPath}.floe`;
}

/** The header that a reseal is about to put in the place of `headerPath`. */
export function nextPathOf(headerPath: string): string {
  return `${headerPath}.next`;
}

/** The path of a piece that lies in a file. */
export function pathOf(source: unknown): string | undefined {
  if (source instanceof URL) return fileURLToPath(source);
  return typeof source === 'string' ? source : undefined;
}

/**
 * Opens the payload of a detached header: the one that the caller names, else the file beside the header. Nothing in the
 * header ever says where it lies.
 *
 * @throws WaxsealError `ERR_PAYLOAD_NOT_FOUND`, and what opening a source can fail with
 */
export async function openPayload(header: PieceSource, given: PieceSource | undefined): Promise<OpenSource> {
  const headerPath = pathOf(header);
  if (given === undefined && headerPath === undefined) throw noPayload('the object');
  const payload = given ?? payloadPathOf(headerPath ?? '');
  try {
    return await openSource(payload);
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) throw error;
    throw new WaxsealError('ERR_PAYLOAD_NOT_FOUND', `the payload ${pathOf(payload) ?? ''} does not exist`, {
      object: headerPath,
      cause: error,
    });
  }
}

/** What is wrong when only the header of a detached object was given. */
export function noPayload(name: string): WaxsealError {
  return new WaxsealError('ERR_PAYLOAD_NOT_FOUND', `${name} is the header of a detached object, without its payload`, {
    object: name,
    next: 'give both pieces: { header, payload }',
  });
}

/** Whether a payload begins with the FLOE header that a detached header carries. */
export async function belongsTo(head: Head, payload: Pick<OpenSource, 'read'>): Promise<boolean> {
  return equalBytes(await payload.read(0, FLOE_HEADER_LENGTH), head.floeHeader);
}

/** What is said of two pieces that do not belong together, as of everything else that does not authenticate. */
export function notItsPayload(name: string, { name: payloadName, size }: OpenSource): WaxsealError {
  if (size < FLOE_HEADER_LENGTH) {
    return new WaxsealError('ERR_TRUNCATED', `${payloadName} ends inside its header`, { object: payloadName });
  }
  return new WaxsealError('ERR_AUTHENTICATION', `${payloadName} is not the payload of ${name}`, {
    object: name,
    next: 'put the payload that was sealed with this header beside it, or name it with --payload',
  });
}
