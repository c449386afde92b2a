import { equalBytes } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { Head } from '../format/head.ts';
import { load } from '../load.ts';
import { openSegment, shapeOfPayloadAt } from '../payload.ts';
import type { ListCopies } from '../read-head.ts';
import { openSource, type OpenSource, type PieceSource } from '../source.ts';
import { startPayload } from '../unlock.ts';
import { type Unlocked } from '../unwrap-entry.ts';

/** Another copy of an object, or its header, in any layout. */
export interface Donor {
  readonly head: Head;
  readonly lists: ListCopies;
  /** @throws WaxsealError `ERR_UNEXPECTED_OBJECT` when heads of the file are left, and none is of this object */
  assertSameObject(heads: readonly Head[], fileName: string): void;
}

export async function readDonor(source: PieceSource): Promise<Donor> {
  const opened = await openSource(source);
  try {
    const { head, lists } = await load(opened, undefined);
    return {
      head,
      lists,
      assertSameObject(heads, fileName) {
        if (heads.length === 0 || heads.some(({ bind }) => equalBytes(bind, head.bind))) return;
        throw new WaxsealError('ERR_UNEXPECTED_OBJECT', `${opened.name} is another object than ${fileName}`, {
          object: fileName,
          next: 'name a copy or an older backup of the same object',
        });
      },
    };
  } finally {
    await opened.close();
  }
}

/**
 * Forgets the data key; where the head is not one of the object itself, only after the first segment has opened with it:
 * the header tag proves that head and data key belong together, and not that this payload belongs to them.
 *
 * @throws WaxsealError `ERR_AUTHENTICATION`, `ERR_TRUNCATED` and the like when it is another payload
 */
export async function proveAndForget(
  payload: OpenSource,
  segmentsAt: number,
  head: Head,
  unlocked: Unlocked,
  isForeign: boolean,
): Promise<void> {
  if (!isForeign) {
    zero(unlocked.dataKey);
    return;
  }
  const state = startPayload(unlocked);
  zero(unlocked.dataKey);
  try {
    const { segments, segmentLength, finalLength } = shapeOfPayloadAt(head, payload.size - segmentsAt, payload.name);
    const length = segments === 1 ? finalLength : segmentLength;
    openSegment(state, await payload.read(segmentsAt, length), 0, segments === 1, payload.name);
  } finally {
    state.close();
  }
}
