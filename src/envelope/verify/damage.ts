import { equalBytes } from '../../bytes/index.ts';
import type { ErrorCode } from '../../errors/index.ts';
import { isSteady, slotsByPreference, type UnlockedSlot } from '../choose-slot.ts';
import { isAttached } from '../format/head.ts';
import { hasCleanPadding } from '../format/slot.ts';
import type { Loaded } from '../load.ts';
import { findSecondHead } from '../read-head.ts';
import type { OpenSource } from '../source.ts';

/** Something that is not as a writer leaves it. */
export interface Finding {
  /** Which kind of damage: an error code. */
  readonly code: ErrorCode;
  /** `error` fails the verification; `warning` is for people to know. */
  readonly severity: 'error' | 'warning';
  /** What is wrong with which part. */
  readonly message: string;
  /** What to do next. */
  readonly next: string;
}

/** A head with what it was read from. */
export interface ReadHead extends Loaded {
  readonly header: OpenSource;
  /** Whether it is the header of a reseal that was interrupted. */
  readonly interrupted: boolean;
}

function damage(message: string, next = 'run repair'): Finding {
  return { code: 'ERR_HEADER_DAMAGED', severity: 'error', message, next };
}

/** What is wrong with the heads of an object. */
export async function findHeadDamage({ header, head, from, problem, interrupted }: ReadHead): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { layout, prefixLength } = head.geometry;
  if (interrupted) {
    const message = 'a reseal was interrupted: its new header does not have its name yet';
    findings.push({ code: 'ERR_HEADER_DAMAGED', severity: 'warning', message, next: 'run repair' });
  } else if (layout === 'detached' && header.size > prefixLength) {
    const message = `the header has ${String(header.size - prefixLength)} bytes after its end`;
    findings.push({ code: 'ERR_TRAILING_DATA', severity: 'error', message, next: 'fetch the header again' });
  }
  if (problem !== undefined) findings.push(damage(`the first head is damaged: ${problem.message}`));
  if (!head.cleanPadding) findings.push(damage('the padding of the head is not zero'));
  if (from === 0 && isAttached(head)) {
    const second = await findSecondHead(header);
    if (second === undefined) findings.push(damage('the second head is damaged or missing'));
    else if (!equalBytes(second.bytes, head.bytes)) findings.push(damage('the two heads differ'));
  }
  return findings;
}

/** Slots that a reader steps over. A single block that is damaged never comes here: nothing opens without it. */
export function findListDamage({ lists }: Loaded): Finding[] {
  const findings: Finding[] = [];
  lists.forEach((reading, index) => {
    const name = index === 0 ? 'A' : 'B';
    if (reading.slot === undefined) {
      findings.push(damage(`recipient slot ${name} is damaged: ${reading.problem ?? 'unknown'}`));
    } else if (lists.length > 1 && !hasCleanPadding(reading)) {
      findings.push(damage(`the padding of recipient slot ${name} is not zero`));
    }
  });
  if (findings.length === 0 && !isSteady(lists)) {
    findings.push({
      code: 'ERR_HEADER_DAMAGED',
      severity: 'warning',
      message: 'the two recipient slots differ: a rewrap was interrupted',
      next: 'run the rewrap again, or repair',
    });
  }
  return findings;
}

/** A newer list that does not open. */
export function findUnopenedSlot({ lists }: Loaded, { slot }: UnlockedSlot): Finding[] {
  if (slotsByPreference(lists)[0] === slot) return [];
  return [
    damage('the newest recipients do not open the object; an older list does', 'run the rewrap again, or repair'),
  ];
}
