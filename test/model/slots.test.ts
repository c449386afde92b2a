/**
 * Attack 1: every interleaving of two and three writers of one object's slots, with kills and power cuts at every step
 * (DESIGN 4, point 7).
 */
import { describe, expect, it } from 'vitest';
import { scaled } from '../tier.ts';
import { type Exploration, explore } from './explore.ts';
import { keyKept, keyKeptInTheEnd, MUTANTS, nothingLost, type Setting, slotModel, STARTS } from './protocol.ts';

function check(name: string, setting: Setting): Exploration {
  const result = explore(slotModel(setting));
  console.log(`${name}: ${result.states} states`);
  return result;
}

function expectFound(name: string, setting: Setting, violation: RegExp): readonly string[] {
  const { found } = check(name, setting);
  expect(found?.violation).toMatch(violation);
  const trace = found?.trace ?? [];
  console.log(`  ${found?.violation ?? ''}:\n    ${trace.join('\n    ')}`);
  return trace;
}

const steady = STARTS.slice(0, 1);
const killAnywhere = { lock: true, kill: 'anywhere', powerCuts: true, invariant: nothingLost } as const;

describe('attack 1: the slot protocol under the lock', () => {
  it('two writers, killed or cut off anywhere: some slot always opens and no update is lost', () => {
    expect(check('lock, 2 writers', { ...killAnywhere, writers: 2 }).found).toBeUndefined();
  });

  it('three writers, killed or cut off anywhere: some slot always opens and no update is lost', () => {
    expect(check('lock, 3 writers', { ...killAnywhere, writers: 3 }).found).toBeUndefined();
  });
});

describe('attack 1: the slot protocol without the lock', () => {
  const unlocked = { lock: false, powerCuts: false, kill: 'between writes', invariant: keyKept } as const;
  const forGood = { ...unlocked, writers: 2, invariant: keyKeptInTheEnd } as const;

  it('two writers, killed between writes: no key is lost without a power cut', () => {
    expect(check('no lock, 2 writers', { ...unlocked, writers: 2 }).found).toBeUndefined();
  });

  it('three writers: no key is lost without a power cut', () => {
    const starts = scaled(steady, STARTS, STARTS);
    expect(check('no lock, 3 writers', { ...unlocked, writers: 3, starts }).found).toBeUndefined();
  });

  it('updates that do not overlap are never lost: the second look at the slots sees them', () => {
    const invariant: Setting['invariant'] = (view) => (view.overlapped ? keyKept(view) : nothingLost(view));
    expect(check('no lock, apart', { ...unlocked, writers: 2, invariant }).found).toBeUndefined();
    const without = { ...unlocked, writers: 2, invariant, starts: steady, protocol: MUTANTS.noReread } as const;
    expectFound('mutant: no second look', without, /update is lost/);
  });

  it('what the lock is for: updates are lost without it, and keys under a power cut', () => {
    expectFound(
      'no lock, updates',
      { ...unlocked, writers: 2, starts: steady, invariant: nothingLost },
      /update is lost/,
    );
    expectFound('no lock, power cut', { ...unlocked, writers: 2, powerCuts: true }, /key is lost/);
  });

  it('where writes of two writers can mix, reading back keeps the key: at worst a reader has to wait', () => {
    const mixed = { ...forGood, mixedWrites: true } as const;
    expectFound('no lock, mixed writes', { ...mixed, invariant: keyKept }, /key is lost/);
    expect(check('no lock, mixed writes, in the end', mixed).found).toBeUndefined();
    expectFound('mutant: no reading back', { ...mixed, protocol: MUTANTS.noReadBack }, /key is lost/);
  });

  it('slots of more than one page, which a kill can tear, need the lock too', () => {
    expectFound('no lock, torn by a kill', { ...forGood, kill: 'anywhere' }, /key is lost/);
  });
});

describe('attack 1: the checker finds the loss again when the protocol is changed', () => {
  it('zeroing the old slot instead of mirroring: two writers, no crash, no power cut', () => {
    const trace = expectFound(
      'mutant: zero-scrub',
      {
        writers: 2,
        lock: false,
        kill: 'never',
        powerCuts: false,
        starts: steady,
        invariant: keyKeptInTheEnd,
        protocol: MUTANTS.zeroScrub,
      },
      /key is lost/,
    );
    expect(trace.join()).toMatch(/zeros/);
    expect(trace.join()).not.toMatch(/killed|power/);
  });

  it.each([
    ['no fdatasync between the two writes', MUTANTS.noSyncBetween, steady],
    ['the current slot written first', MUTANTS.currentFirst, STARTS],
    ['no fdatasync of what a killed writer left', MUTANTS.noSyncBefore, steady],
  ] as const)('%s: a power cut loses the key, lock or no lock', (name, protocol, starts) => {
    const trace = expectFound(`mutant: ${name}`, { ...killAnywhere, writers: 2, protocol, starts }, /key is lost/);
    if (protocol !== MUTANTS.currentFirst) expect(trace.at(-1)).toMatch(/power cut/);
  });
});
