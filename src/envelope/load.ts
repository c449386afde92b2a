import { setTimeout as sleep } from 'node:timers/promises';
import { type Observe, warn } from '../keys/observer.ts';
import { objectFacts } from './unlock.ts';
import { type HeadReading, type PrefixReader, readHead, readSlots, type SlotPair } from './read-head.ts';

export interface Loaded extends HeadReading {
  readonly slots: SlotPair;
}

/** A writer's slot takes microseconds: more re-reads than this, and it is damage, not a write under way. */
const REREADS = 5;

/**
 * Reads head and slots. A pair in which no slot is valid is read again a few times: a concurrent writer may have been
 * seen half-way.
 */
export async function load(
  source: PrefixReader & { readonly changes?: boolean },
  observe: Observe | undefined,
): Promise<Loaded> {
  const reading = await readHead(source);
  if (reading.problem !== undefined) {
    await warn(observe, `the first head of ${source.name} is damaged; its second copy was used: run repair`, {
      ...objectFacts(reading.head),
      code: reading.problem.code,
    });
  }
  let slots = await readSlots(source, reading.head);
  for (let again = 0; source.changes === true && again < REREADS && !slots.some((s) => s.slot); again += 1) {
    await sleep(1 + again);
    slots = await readSlots(source, reading.head);
  }
  return { ...reading, slots };
}
