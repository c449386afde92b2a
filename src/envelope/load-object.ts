import { setTimeout as sleep } from 'node:timers/promises';
import { isWaxsealError, WaxsealError } from '../errors/index.ts';
import { type Observe, warn } from '../keys/observer.ts';
import { belongsTo, nextPathOf, notItsPayload, openPayload, pathOf } from './detached.ts';
import { load, type Loaded } from './load.ts';
import { isDetachedSource, openSource, type OpenSource, type PieceSource, type SealedSource } from './source.ts';
import { objectFacts } from './unwrap-entry.ts';

/** A sealed object whose head and recipients have been read, and whose payload is open. */
export interface LoadedObject extends Loaded {
  /** What holds the head. */
  readonly header: OpenSource;
  /** What holds the segments: the same, or the payload of a detached object. */
  readonly payload: OpenSource;
  /** Whether the head is that of a reseal that was interrupted, and does not stand under its name yet. */
  readonly interrupted: boolean;
  close(): Promise<void>;
}

/** A reseal replaces payload and header one after the other, in milliseconds. */
const ATTEMPTS = 6;

/**
 * Opens a source, reads its head, and finds its payload. Header and payload of a detached object that do not belong
 * together are read again, because a reseal may be at work, and then the header is tried that an interrupted reseal has
 * left (SPEC section "Detached layout").
 *
 * @throws WaxsealError as `load`, and `ERR_PAYLOAD_NOT_FOUND`, `ERR_AUTHENTICATION` (not its payload)
 */
export async function loadObject(source: SealedSource, observe: Observe | undefined): Promise<LoadedObject> {
  const given = isDetachedSource(source) ? source : undefined;
  const piece: PieceSource = given === undefined ? (source as PieceSource) : given.header;
  for (let attempt = 1; ; attempt += 1) {
    const header = await openSource(piece);
    try {
      const loaded = await load(header, observe);
      if (loaded.head.geometry.layout !== 'detached') {
        if (given !== undefined) throw carriesItsPayload(header.name, loaded.head.geometry.layout);
        return { ...loaded, header, payload: header, interrupted: false, close: () => header.close() };
      }
      const payload = await openPayload(piece, given?.payload);
      const close = async (): Promise<void> => {
        await header.close();
        await payload.close();
      };
      try {
        if (await belongsTo(loaded.head, payload)) return { ...loaded, header, payload, interrupted: false, close };
        const next = await loadNext(piece, payload, observe);
        if (next !== undefined) return { ...next, header, payload, interrupted: true, close };
        if (!header.changes || attempt === ATTEMPTS) throw notItsPayload(header.name, payload);
      } catch (error) {
        await payload.close();
        throw error;
      }
      await close();
    } catch (error) {
      await header.close();
      throw error;
    }
    await sleep(attempt * attempt);
  }
}

/** The header that an interrupted reseal left beside the old one, if it is the one of this payload. */
async function loadNext(
  piece: PieceSource,
  payload: OpenSource,
  observe: Observe | undefined,
): Promise<Loaded | undefined> {
  const path = pathOf(piece);
  if (path === undefined) return undefined;
  let next: OpenSource;
  try {
    next = await openSource(nextPathOf(path));
  } catch (error) {
    if (isWaxsealError(error, 'ERR_FILE_NOT_FOUND')) return undefined;
    throw error;
  }
  try {
    const loaded = await load(next, observe);
    if (loaded.head.geometry.layout !== 'detached' || !(await belongsTo(loaded.head, payload))) return undefined;
    await warn(observe, `a reseal of ${path} was interrupted; ${next.name} was read: run repair`, {
      ...objectFacts(loaded.head),
    });
    return loaded;
  } catch (error) {
    // What an interrupted reseal left may be anything: it helps, or it is as if it were not there.
    if (isWaxsealError(error) && error.code !== 'ERR_OBSERVER') return undefined;
    throw error;
  } finally {
    await next.close();
  }
}

function carriesItsPayload(name: string, layout: string): WaxsealError {
  return new WaxsealError('ERR_UNEXPECTED_OBJECT', `${name} has the ${layout} layout and carries its own payload`, {
    object: name,
    next: 'open it without naming a payload',
  });
}
