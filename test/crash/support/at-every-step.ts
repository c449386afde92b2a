/** The frame of every crash test: die at a step, look, run again, look again. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { type ErrorCode, isWaxsealError } from '../../../src/errors/index.ts';
import { scaled, tier } from '../../tier.ts';
import { die, type Death, stepsOf } from './deaths.ts';
import { OPERATIONS, type OperationName, type Places, places } from './operations.ts';
import { buildWorld, copyWorld, filesBelow, isTemporary } from './world.ts';

export interface CrashCase {
  readonly operation: OperationName;
  /** Paths below the world that it may change or make; everything else stays byte for byte, at every death. */
  readonly changes: RegExp;
  /** What the world is brought to before. */
  readonly prepare?: (at: Places) => Promise<void>;
  /** What holds after every death, and after the next run too. */
  readonly check: (at: Places) => Promise<void>;
  /** How the next run is refused where the dead one had come to its end. */
  readonly completed?: ErrorCode;
  /** What holds after the next run. */
  readonly finished?: (at: Places) => Promise<void>;
  /** Writes to the folders that a next run that had nothing left to do did not write to. */
  readonly sweep?: (at: Places) => Promise<unknown>;
  /** One step out of five times as many is tried in the short tier; 1 by default. Of torn writes, one out of so many. */
  readonly every?: number;
}

/** Children at once: the machines that run this have two cores. */
const PARALLEL = 2;

let world = '';
let deaths = 0;

beforeAll(async () => {
  world = await buildWorld();
});

afterAll(async () => {
  await rm(world, { recursive: true, force: true });
  console.log(`${String(deaths)} processes were killed`);
});

/** Kills the operation at each of its steps, each time in a world of its own. */
export async function atEveryStep(one: CrashCase): Promise<void> {
  const reads = tier === 'long';
  const steps = await inCopy(one, (copy) => stepsOf(one.operation, copy, { reads }));
  // A list that nobody kept would pass for a test: something was written or got its name.
  expect(steps.length).toBeGreaterThan(5);
  expect(steps.some(isWrite)).toBe(true);
  const plan = planned(steps, scaled((one.every ?? 1) * 8, 1, 1));
  const work = async (): Promise<void> => {
    for (let death = plan.shift(); death !== undefined; death = plan.shift()) {
      const what = `${one.operation}, ${death.how} step ${String(death.step)} (${String(steps[death.step - 1])})`;
      await inCopy(one, (copy) => dieAndGoOn(one, copy, death, reads)).catch((error: unknown) => {
        plan.length = 0;
        throw new Error(`killed in ${what}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      });
      deaths += 1;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

const isWrite = (name: string): boolean => name === 'write' || name === 'writev';

function planned(steps: readonly string[], every: number): Death[] {
  const plan: Death[] = [];
  for (const [i, name] of steps.entries()) {
    const step = i + 1;
    if (i % every === 0) plan.push({ step, how: 'before' });
    // After one step is before the next, but for what runs beside it, as the writes of seal and open do.
    const isLast = i === steps.length - 1;
    if (isLast || tier === 'long' || (tier === 'full' && isWrite(name))) plan.push({ step, how: 'after' });
    if (isWrite(name) && i % Math.max(1, every >> 1) === 0) plan.push({ step, how: 'torn' });
  }
  return plan;
}

async function inCopy<T>(one: CrashCase, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = await copyWorld(world);
  try {
    await one.prepare?.(places(copy));
    return await work(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function dieAndGoOn(one: CrashCase, copy: string, death: Death, reads: boolean): Promise<void> {
  const at = places(copy);
  const before = await filesBelow(copy);
  await die(one.operation, copy, death, reads);
  await expectOnly(one, copy, before);
  await one.check(at);

  await runAgain(one, copy);
  await one.check(at);
  await one.finished?.(at);
  await one.sweep?.(at);
  if (one.sweep === undefined) await expectOnly(one, copy, before);
  expect([...(await filesBelow(copy)).keys()].filter(isTemporary)).toEqual([]);
}

/** Nothing but what the operation is for has changed, and nothing has appeared but temporary files. */
async function expectOnly({ changes }: CrashCase, copy: string, before: ReadonlyMap<string, string>): Promise<void> {
  const now = await filesBelow(copy);
  const strange = [...new Set([...before.keys(), ...now.keys()])].filter(
    (path) => before.get(path) !== now.get(path) && !changes.test(path) && !isTemporary(path),
  );
  expect(strange).toEqual([]);
}

/** The next run, in this process. */
async function runAgain({ operation, completed }: CrashCase, copy: string): Promise<void> {
  try {
    await OPERATIONS[operation](copy);
  } catch (error) {
    if (completed === undefined || !isWaxsealError(error, completed)) throw error;
  }
}
