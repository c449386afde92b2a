import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addRecipient, open, openObject, rewrap, seal, sealFile } from '../../src/envelope/index.ts';
import type { Observe, WaxsealEvent } from '../../src/keys/observer.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

function recorder(): { events: WaxsealEvent[]; observe: Observe } {
  const events: WaxsealEvent[] = [];
  return { events, observe: (event) => void events.push(event) };
}

function vetoAt(type: WaxsealEvent['type']): Observe {
  return async (event) => {
    await Promise.resolve();
    if (event.type === type) throw new RangeError('not in this region');
  };
}

describe('observer and guard', () => {
  it('every key use has an intent before it and an outcome after it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.wax');
    const key = memoryKey();
    const { events, observe } = recorder();
    const { id } = await sealFile([pattern(10)], path, key, { observe, context: { team: 'a' } });
    expect(events.map((e) => e.type)).toEqual(['seal.intent', 'wrap.intent', 'wrap.done', 'seal.done']);
    expect(events[2]).toMatchObject({ objectId: id, keyUri: key.uri, keyVersion: '1', assurance: 'compared' });
    expect(events[3]).toMatchObject({ objectId: id, path, bytes: 10, context: { team: 'a' } });
    events.length = 0;
    await (await openObject(path, key, { observe })).close();
    expect(events.map((e) => e.type)).toEqual(['open.intent', 'unwrap.intent', 'unwrap.done', 'open.done']);
    expect(events[3]).toMatchObject({ objectId: id, keyUri: key.uri, keyVersion: '1' });
    events.length = 0;
    key.bump();
    await rewrap(path, key, { observe });
    expect(events.map((e) => e.type)).toEqual([
      'rewrap.intent',
      'unwrap.intent',
      'unwrap.done',
      'wrap.intent',
      'wrap.done',
      'rewrap.done',
    ]);
    expect(events.at(-1)).toMatchObject({ before: [`${key.uri}#1`], after: [`${key.uri}#2`], objectId: id });
    events.length = 0;
    await addRecipient(path, key, memoryKey('local:other'), { observe });
    expect(events.at(-1)).toMatchObject({ type: 'recipients.change.done' });
  });

  it('an intent and its outcome share the operation number; different operations do not', async () => {
    const { events, observe } = recorder();
    await seal(pattern(1), memoryKey(), { observe });
    const numbers = events.map((e) => e.operation);
    expect(numbers[0]).toBe(numbers[3]);
    expect(numbers[1]).toBe(numbers[2]);
    expect(numbers[0]).not.toBe(numbers[1]);
  });

  it('events hold nothing outside the whitelist, and no wrap and no secret', async () => {
    const { events, observe } = recorder();
    const key = memoryKey();
    const secrets: string[] = [];
    const spy = {
      ...key,
      async wrap(...args: Parameters<typeof key.wrap>) {
        secrets.push(Buffer.from(args[0]).toString('hex'));
        const wrapped = await key.wrap(...args);
        secrets.push(Buffer.from(wrapped.wrap).toString('hex'));
        return wrapped;
      },
    };
    await open(await seal(pattern(1), spy, { observe }), spy, { observe });
    const text = JSON.stringify(events);
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) expect(text).not.toContain(secret);
    for (const event of events) for (const value of Object.values(event)) expect(value).not.toBeInstanceOf(Uint8Array);
  });

  it.each(['seal.intent', 'wrap.intent'] as const)(
    'a veto at %s: the key is not used and nothing is written',
    async (type) => {
      const folder = await temporaryFolder();
      const key = memoryKey();
      const observe = vetoAt(type);
      const vetoed = { code: 'ERR_VETOED', cause: expect.any(RangeError) as RangeError };
      await expect(seal(pattern(1), key, { observe })).rejects.toMatchObject(vetoed);
      await expect(seal([pattern(1)], key, { observe }).then((stream) => collect(stream))).rejects.toMatchObject(
        vetoed,
      );
      await expect(sealFile([pattern(1)], join(folder, 'x'), key, { observe })).rejects.toMatchObject(vetoed);
      expect(key.calls).toEqual({ wrap: 0, unwrap: 0 });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it.each(['open.intent', 'unwrap.intent'] as const)('a veto at %s: no unwrap, no plaintext', async (type) => {
    const key = memoryKey();
    const sealed = await seal(pattern(1), key);
    const { unwrap } = key.calls;
    const observe = vetoAt(type);
    await expect(open(sealed, key, { observe })).rejects.toMatchObject({ code: 'ERR_VETOED' });
    await expect(open([sealed], key, { observe })).rejects.toMatchObject({ code: 'ERR_VETOED' });
    expect(key.calls.unwrap).toBe(unwrap);
  });

  it('a veto of one key is not worked around with the next one', async () => {
    const [one, two] = [memoryKey('local:one'), memoryKey('local:two')];
    const sealed = await seal(pattern(1), [one, two]);
    const observe: Observe = (event) => {
      if (event.type === 'unwrap.intent' && event.keyUri === one.uri) throw new RangeError('no');
    };
    await expect(open(sealed, [one, two], { observe })).rejects.toMatchObject({ code: 'ERR_VETOED' });
  });

  it('an observer that cannot record the end fails the call with ERR_OBSERVER: no record, no plaintext', async () => {
    const key = memoryKey();
    const sealed = await seal(pattern(1), key);
    for (const type of ['unwrap.done', 'open.done'] as const) {
      await expect(open(sealed, key, { observe: vetoAt(type) })).rejects.toMatchObject({ code: 'ERR_OBSERVER' });
    }
    await expect(seal(pattern(1), key, { observe: vetoAt('wrap.done') })).rejects.toMatchObject({
      code: 'ERR_OBSERVER',
    });
  });

  it('a failure is told as failed, with its code, and a failing observer does not hide it', async () => {
    const { events, observe } = recorder();
    const sealed = await seal(pattern(1), memoryKey());
    await expect(open(sealed, memoryKey(), { observe })).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(events.map((e) => [e.type, e.code])).toEqual([
      ['open.intent', undefined],
      ['unwrap.intent', undefined],
      ['unwrap.failed', 'ERR_AUTHENTICATION'],
      ['open.failed', 'ERR_AUTHENTICATION'],
    ]);
    const failing = vetoAt('unwrap.failed');
    await expect(open(sealed, memoryKey(), { observe: failing })).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('sealing a stream is announced before it begins and told as done only at its end', async () => {
    const { events, observe } = recorder();
    const stream = await seal([pattern(10)], memoryKey(), { observe });
    expect(events.map((e) => e.type)).toEqual(['seal.intent', 'wrap.intent', 'wrap.done']);
    await collect(stream);
    expect(events.at(-1)).toMatchObject({ type: 'seal.done', bytes: 10 });
    events.length = 0;
    await (await seal([pattern(10)], memoryKey(), { observe })).cancel();
    expect(events.at(-1)?.type).toBe('seal.failed');
  });
});
