import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenedObject, openObject, openRange, parseRange, seal } from '../../src/envelope/index.ts';
import { isWaxsealError } from '../../src/errors/index.ts';
import { pattern } from '../support/bytes.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const key = memoryKey();
const SEGMENT = 4096;
const plaintext = pattern(3 * (SEGMENT - 32) + 7);
const SIZE = plaintext.length;

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', 10, 0, 1],
    ['bytes=0-9', 10, 0, 10],
    ['bytes=2-5', 10, 2, 6],
    ['bytes=9-', 10, 9, 10],
    ['bytes=0-', 10, 0, 10],
    ['bytes=5-99', 10, 5, 10],
    ['bytes=5-99999999999999999999999', 10, 5, 10],
    ['bytes=-1', 10, 9, 10],
    ['bytes=-10', 10, 0, 10],
    ['bytes=-99', 10, 0, 10],
    ['bytes=-99999999999999999999999', 10, 0, 10],
    ['Bytes=0-1', 10, 0, 2],
    ['bytes=007-08', 10, 7, 9],
  ])('%s of %i bytes is %i to %i', (header, size, start, end) => {
    expect(parseRange(header, size)).toEqual({
      start,
      end,
      contentRange: `bytes ${String(start)}-${String(end - 1)}/${String(size)}`,
    });
  });

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    ['bytes=99999999999999999999999-', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=0-0', 0],
    ['bytes=-5', 0],
  ])('%s of %i bytes cannot be satisfied, and the error says the size', (header, size) => {
    expect(() => parseRange(header, size)).toThrow(
      expect.objectContaining({ code: 'ERR_RANGE_NOT_SATISFIABLE', size }) as Error,
    );
  });

  it.each([
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-4',
    'bytes=a-b',
    'bytes=1-2,4-5',
    'bytes=1-2,',
    'bytes=-1,-2',
    'bytes= 1-2',
    'bytes=1 -2',
    'bytes=1-2\n',
    'bytes=+1-2',
    'bytes=--1',
    'bytes=1--2',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'items=0-1',
    '0-1',
    'xbytes=0-1',
    'bytes=١-٢',
  ])('%j is for the server to ignore, whatever the size', (header) => {
    expect(parseRange(header, 10)).toBeUndefined();
    expect(parseRange(header, 0)).toBeUndefined();
  });

  it('no field is no range', () => {
    expect(parseRange(undefined, 10)).toBeUndefined();
    expect(parseRange(null, 10)).toBeUndefined();
  });

  it('a wrong argument is refused, and does not pass for a field to ignore', () => {
    expect(() => parseRange(5 as never, 10)).toThrow(TypeError);
    for (const size of [-1, 1.5, Number.NaN, Infinity]) expect(() => parseRange('bytes=0-1', size)).toThrow(RangeError);
  });

  it('property: what it gives lies inside, is not empty, and is what the numbers say', () => {
    const number = fc.nat(50);
    fc.assert(
      fc.property(number, fc.option(number), fc.option(number), (size, first, last) => {
        const header = `bytes=${String(first ?? '')}-${String(last ?? '')}`;
        const all = Array.from({ length: size }, (_, i) => i);
        const wanted =
          first === null ? all.slice(size - Math.min(size, last ?? 0)) : all.slice(first, (last ?? size) + 1);
        const isValid = first === null ? last !== null : last === null || last >= first;
        if (isValid && wanted.length === 0) {
          expect(() => parseRange(header, size)).toThrow(/cannot be given/);
          return;
        }
        const got = parseRange(header, size);
        expect(got === undefined ? undefined : all.slice(got.start, got.end)).toEqual(isValid ? wanted : undefined);
      }),
    );
  });
});

describe('openRange with a range field', () => {
  it('gives what the field says', async () => {
    const sealed = await seal(plaintext, key, { segmentLength: SEGMENT });
    for (const [range, start, end] of [
      ['bytes=0-499', 0, 500],
      ['bytes=4000-', 4000, SIZE],
      ['bytes=-5000', SIZE - 5000, SIZE],
      [`bytes=1-${String(SIZE + 5)}`, 1, SIZE],
    ] as const) {
      expect(await openRange(sealed, key, { range })).toEqual(plaintext.subarray(start, end));
    }
  });

  it('refuses one outside, also of an object that does not say its size', async () => {
    const empty = await seal(new Uint8Array(0), key);
    const unsized = await collect(await seal([plaintext], key, { segmentLength: SEGMENT }));
    for (const [sealed, range, size] of [
      [empty, 'bytes=0-', 0],
      [empty, 'bytes=-1', 0],
      [unsized, `bytes=${String(SIZE)}-`, SIZE],
    ] as const) {
      await expect(openRange(sealed, key, { range })).rejects.toMatchObject({
        code: 'ERR_RANGE_NOT_SATISFIABLE',
        size,
      });
    }
  });

  it('refuses both forms, none, and a field that a server would ignore: before the object is looked at', async () => {
    for (const options of [
      { start: 0, range: 'bytes=0-1' },
      { end: 1, range: 'bytes=0-1' },
      {},
      { start: undefined },
      { range: undefined },
      { range: 'bytes=0-1,3-4' },
      { range: '0-1' },
      { range: '' },
      { range: 5 },
    ]) {
      await expect(openRange('no such file', key, options as never), JSON.stringify(options)).rejects.toThrow(
        TypeError,
      );
    }
  });
});

describe('an HTTP server over a sealed object', () => {
  let object: OpenedObject;
  let empty: OpenedObject;
  let url: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    object = await openObject(await seal(plaintext, key, { segmentLength: SEGMENT }), key);
    empty = await openObject(await seal(new Uint8Array(0), key), key);
    const server = createServer((request, response) => {
      answer(request.url === '/empty' ? empty : object, request, response).catch((error: unknown) => {
        response.destroy(error as Error);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
    stop = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });

  afterAll(async () => {
    await stop();
    await object.close();
    await empty.close();
  });

  async function answer(of: OpenedObject, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Accept-Ranges', 'bytes').setHeader('ETag', `"${of.info.id}"`);
    try {
      const range = request.method === 'GET' ? parseRange(request.headers.range, of.size) : undefined;
      const { start = 0, end = of.size } = range ?? {};
      response.setHeader('Content-Length', end - start);
      if (range !== undefined) response.setHeader('Content-Range', range.contentRange);
      response.writeHead(range === undefined ? 200 : 206);
      if (request.method === 'HEAD') response.end();
      else await pipeline(of.stream(start, end), response);
    } catch (error) {
      if (!isWaxsealError(error, 'ERR_RANGE_NOT_SATISFIABLE')) throw error;
      response.writeHead(416, { 'Content-Range': `bytes */${String(error.size)}` }).end();
    }
  }

  async function ask(range?: string, path = '', method = 'GET'): Promise<[number, string | null, Uint8Array]> {
    const response = await fetch(url + path, { method, headers: range === undefined ? {} : { range } });
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    const body = new Uint8Array(await response.arrayBuffer());
    if (method === 'GET' && response.ok) expect(response.headers.get('content-length')).toBe(String(body.length));
    return [response.status, response.headers.get('content-range'), body];
  }

  it('200 without a field, and for one that it ignores', async () => {
    expect(await ask()).toEqual([200, null, plaintext]);
    expect(await ask('bytes=0-1,5-6')).toEqual([200, null, plaintext]);
    expect(await ask('lines=0-1')).toEqual([200, null, plaintext]);
  });

  it('206 with the bytes, and which ones they are', async () => {
    const size = String(SIZE);
    expect(await ask('bytes=0-499')).toEqual([206, `bytes 0-499/${size}`, plaintext.subarray(0, 500)]);
    expect(await ask('bytes=4060-')).toEqual([206, `bytes 4060-${String(SIZE - 1)}/${size}`, plaintext.subarray(4060)]);
    const last = [206, `bytes ${String(SIZE - 9)}-${String(SIZE - 1)}/${size}`, plaintext.subarray(-9)];
    expect(await ask('bytes=-9')).toEqual(last);
  });

  it('416 with the size', async () => {
    expect(await ask(`bytes=${String(SIZE)}-`)).toEqual([416, `bytes */${String(SIZE)}`, new Uint8Array(0)]);
    expect(await ask('bytes=-0')).toEqual([416, `bytes */${String(SIZE)}`, new Uint8Array(0)]);
    expect(await ask('bytes=0-', 'empty')).toEqual([416, 'bytes */0', new Uint8Array(0)]);
    expect(await ask(undefined, 'empty')).toEqual([200, null, new Uint8Array(0)]);
  });

  it('HEAD gives the length of everything and no body', async () => {
    const response = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    expect([response.status, response.headers.get('content-length')]).toEqual([200, String(SIZE)]);
    expect(await response.text()).toBe('');
  });

  it('a client that leaves does not disturb the others', async () => {
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    leaving.abort();
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect((await ask())[0]).toBe(200);
  });
});
