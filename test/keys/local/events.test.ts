import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WaxsealEvent } from '../../../src/keys/observer.ts';
import { refusal, snapshot, testRing } from './rings.ts';

describe('an observer', () => {
  it('sees every change of a key, before and after', async () => {
    const seen: WaxsealEvent[] = [];
    const { ring } = await testRing({ observe: (event) => void seen.push(event) });
    await ring.rotate('default');
    await ring.setState('default', '1', 'compromised');
    await ring.setState('default', '1', 'compromised');
    await refusal(ring.create('default'), 'ERR_KEY_EXISTS');
    const versions = (await ring.describe('default')).versions.map(({ version }) => version);
    const facts = seen.map(({ type, keyUri, keyVersion, state }) => [type, keyUri, keyVersion, state]);
    expect(facts).toEqual([
      ['key.create.intent', 'local:default', undefined, undefined],
      ['key.create.done', 'local:default', versions[0], undefined],
      ['key.rotate.intent', 'local:default', undefined, undefined],
      ['key.rotate.done', 'local:default', versions[1], undefined],
      ['key.state.intent', 'local:default', versions[0], 'compromised'],
      ['key.state.done', 'local:default', versions[0], 'compromised'],
    ]);
    expect(seen[3]).toMatchObject({ before: [versions[0]], after: [versions[1]] });
    expect(seen[5]).toMatchObject({ before: ['deactivated'], after: ['compromised'] });
    expect(seen[0]?.operation).toBe(seen[1]?.operation);
  });

  it('that vetoes leaves nothing on disk', async () => {
    let veto = false;
    const { ring, base } = await testRing({
      observe: ({ type }) => {
        if (veto && type.endsWith('.intent')) throw new Error('not on a Friday');
      },
    });
    await ring.rotate('default');
    const before = await snapshot(base);
    veto = true;
    for (const work of [
      () => ring.create('other'),
      () => ring.rotate('default'),
      () => ring.key('default').rotate?.(),
      () => ring.setState('default', '1', 'destroyed'),
      () => ring.key('default').disableVersion?.('1'),
    ]) {
      const error = await refusal(Promise.resolve(work()), 'ERR_VETOED');
      expect(error.message).toContain('not on a Friday');
    }
    expect(await snapshot(base)).toEqual(before);
    veto = false;
    expect(await ring.list()).toHaveLength(1);
    expect((await ring.describe('default')).versions).toHaveLength(2);
    expect([...before.keys()].some((name) => name.startsWith(join('ring', 'keys', 'other')))).toBe(false);
  });

  it('that fails at the end does not undo what was done', async () => {
    let fail = false;
    const { ring } = await testRing({
      observe: ({ type }) => {
        if (fail && type.endsWith('.done')) throw new Error('log is full');
      },
    });
    fail = true;
    await refusal(ring.rotate('default'), 'ERR_OBSERVER');
    await refusal(ring.setState('default', '1', 'suspended'), 'ERR_OBSERVER');
    fail = false;
    expect((await ring.describe('default')).versions.map(({ state }) => state)).toEqual(['suspended', 'active']);
  });
});
