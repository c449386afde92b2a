import { describe, expect, it } from 'vitest';
import { DATA } from '../../src/errors/codes/data.ts';
import { FAILED } from '../../src/errors/codes/failed.ts';
import { KEY } from '../../src/errors/codes/key.ts';
import { USAGE } from '../../src/errors/codes/usage.ts';
import { type CodeFacts, ERROR_CODES } from '../../src/errors/index.ts';

describe('the table of error codes', () => {
  it.each([
    { group: FAILED, exit: 1 },
    { group: USAGE, exit: 2 },
    { group: DATA, exit: 3 },
    { group: KEY, exit: 4 },
  ])('the codes of one file have one exit code: $exit', ({ group, exit }) => {
    const exits = Object.values<CodeFacts>(group).map((facts) => facts.exit);
    expect(exits.length).toBeGreaterThan(0);
    expect(new Set(exits)).toEqual(new Set([exit]));
  });

  it('holds every code of every file once', () => {
    const names = [FAILED, USAGE, DATA, KEY].flatMap((group) => Object.keys(group));
    expect(Object.keys(ERROR_CODES)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
  });

  it('is frozen, and every sentence is a clause without an end: it is set into others', () => {
    expect(Object.isFrozen(ERROR_CODES)).toBe(true);
    for (const { meaning, next } of Object.values(ERROR_CODES)) {
      for (const text of [meaning, next]) expect(text).toMatch(/^\S.*[^.\s]$/);
    }
  });
});
