import { allocateUnset, toHex } from '../bytes/index.ts';
import type { FloeState } from '../crypto/floe/segments.ts';
import { noPayload } from './detached.ts';
import type { Keys } from './keys-input.ts';
import { observed } from '../keys/observer.ts';
import { load, type Loaded } from './load.ts';
import { type OpenOptions, unlockObserved } from './open-stream.ts';
import { unlockPayload, type UnlockedPayload } from './opened-object.ts';
import { openSegment, type PayloadShape, shapeOfObject } from './payload.ts';
import { readSound } from './read-head.ts';
import { bytesSource } from './source.ts';

const NAME = 'the object';

/**
 * Opens an object that is in memory, in one piece. It says and does what opening it as a source does, without what
 * sources need that may fail, change or be read by many.
 *
 * @throws WaxsealError as `open`
 */
export async function openBytes(sealed: Uint8Array, keys: Keys, options: OpenOptions): Promise<Uint8Array> {
  const loaded = readSound(sealed, NAME) ?? (await load(bytesSource(sealed, NAME), options.observe));
  const { head } = loaded;
  if (head.geometry.layout === 'detached') throw noPayload(NAME);
  const { state, info } =
    options.onInfo === undefined
      ? { ...(await unlockPayloadObserved(loaded, keys, options)), info: undefined }
      : await unlockObserved(loaded, NAME, keys, options, 'open');
  try {
    const shape = shapeOfObject(head, sealed.length, NAME);
    const payload = sealed.subarray(head.geometry.segments);
    // Without a size in the core only the final segment says that the object really ends there.
    if (head.core.size === undefined) decryptAt(shape.segments - 1, payload, shape, state);
    if (info !== undefined) options.onInfo?.(info);
    return decryptAll(payload, shape, state, options);
  } finally {
    state.close();
  }
}

function unlockPayloadObserved(loaded: Loaded, keys: Keys, options: OpenOptions): Promise<UnlockedPayload> {
  return observed(
    options.observe,
    'open',
    { path: NAME },
    () => unlockPayload(loaded, NAME, keys, options, 'open'),
    ({ uri, version }) => ({
      objectId: toHex(loaded.head.core.id),
      context: loaded.head.core.context,
      keyUri: uri,
      keyVersion: version,
    }),
  );
}

function decryptAll(
  payload: Uint8Array,
  shape: PayloadShape,
  state: FloeState,
  { signal, onProgress }: OpenOptions,
): Uint8Array {
  const { segments, plainLength, size } = shape;
  let out: Uint8Array | undefined;
  for (let position = 0; position < segments; position += 1) {
    signal?.throwIfAborted();
    const plaintext = decryptAt(position, payload, shape, state);
    const doneBytes = position * plainLength + plaintext.length;
    if (segments === 1) out = plaintext;
    else (out ??= allocateUnset(size)).set(plaintext, position * plainLength);
    if (plaintext.length > 0) onProgress?.({ doneBytes, totalBytes: size });
  }
  return out ?? new Uint8Array(0);
}

function decryptAt(position: number, payload: Uint8Array, shape: PayloadShape, state: FloeState): Uint8Array {
  const { segmentLength, segments } = shape;
  const at = position * segmentLength;
  return openSegment(state, payload.subarray(at, at + segmentLength), position, position === segments - 1, NAME);
}
