import { setTimeout as sleep } from 'node:timers/promises';
import { type Observe, warn } from '../keys/observer.ts';
import { objectFacts } from './unwrap-entry.ts';
import { equalBytes } from '../bytes/index.ts';
import { WaxsealError } from '../errors/index.ts';
import {
  findSecondHead,
  type HeadReading,
  type ListCopies,
  type PrefixReader,
  readHead,
  readLists,
} from './read-head.ts';

export interface Loaded extends HeadReading {
  /** The copies of the recipient list, at least one. */
  readonly lists: ListCopies;
}

/** A writer's slot takes microseconds: more re-reads than this, and it is damage, not a write under way. */
const REREADS = 5;

/**
 * Reads head and recipients. Slots of which none is valid are read again a few times: a concurrent writer may have been
 * seen half-way.
 */
export async function load(
  source: PrefixReader & { readonly changes?: boolean },
  observe: Observe | undefined,
): Promise<Loaded> {
  const reading = await readHead(source);
  if (reading.problem !== undefined) await warnOfHead(source, observe, reading);
  let lists = await readLists(source, reading.head);
  for (let again = 0; source.changes === true && again < REREADS && !lists.some((s) => s.slot); again += 1) {
    await sleep(1 + again);
    lists = await readLists(source, reading.head);
  }
  if (reading.from === 0 && !lists.some(({ slot }) => slot)) {
    const other = await loadSecond(source, reading);
    if (other !== undefined) {
      await warnOfHead(source, observe, other);
      return other;
    }
  }
  return { ...reading, lists };
}

/**
 * The hash of a head is not keyed: a head that fits its hash and no slot may be forged or foreign. The second one is
 * tried before the object is given up.
 */
async function loadSecond(source: PrefixReader, { head }: HeadReading): Promise<Loaded | undefined> {
  const second = await findSecondHead(source);
  if (second === undefined || equalBytes(second.bytes, head.bytes)) return undefined;
  const lists = await readLists(source, second);
  if (!lists.some(({ slot }) => slot)) return undefined;
  const message = `the first head of ${source.name} does not belong to its recipients`;
  return { head: second, from: 1, problem: new WaxsealError('ERR_HEADER_DAMAGED', message), lists };
}

async function warnOfHead(source: PrefixReader, observe: Observe | undefined, reading: HeadReading): Promise<void> {
  await warn(observe, `the first head of ${source.name} is damaged; its second copy was used: run repair`, {
    ...objectFacts(reading.head),
    code: reading.problem?.code,
  });
}
