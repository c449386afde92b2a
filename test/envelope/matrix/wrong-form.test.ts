/** What a verb does not take is a TypeError that names the verb, and where there is one, the right verb. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addRecipient,
  convert,
  open,
  removeRecipient,
  reseal,
  rewrap,
  seal,
  sealFile,
  shred,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { leftovers, temporaryFolder } from '../../support/folder.ts';
import { alice, bob, carol, LAYOUTS, responseBytes, type Sample, sampleOf } from './support.ts';

let samples: Sample[];
beforeAll(async () => {
  samples = await Promise.all(LAYOUTS.map((layout) => sampleOf(layout, 100)));
});

/** Verb, what its message says, and what it does not take. */
const REFUSED: readonly [string, RegExp, Readonly<Record<string, unknown>>, (input: never) => Promise<unknown>][] = [
  [
    'seal',
    /^seal: .*sealFile/,
    { text: 'weights', 'a file URL': pathToFileURL('/weights'), number: 7, null: null },
    (x) => seal(x, alice),
  ],
  [
    'open',
    /^open: .*openFile/,
    { 'a path': '/x.wax', 'a file URL': pathToFileURL('/x.wax'), number: 7, null: null },
    (x) => open(x, alice),
  ],
  [
    'sealFile',
    /^sealFile: .*path.*stream/,
    { number: 7, null: null },
    async (x) => sealFile(x, join(await temporaryFolder(), 'x'), alice),
  ],
  ['rewrap', /^rewrap: .*path/, { number: 7, null: null }, (x) => rewrap(x, alice)],
  ['addRecipient', /^addRecipient: .*path/, { number: 7, null: null }, (x) => addRecipient(x, alice, carol)],
  ['removeRecipient', /^removeRecipient: .*path/, { number: 7, null: null }, (x) => removeRecipient(x, alice, bob.uri)],
  ['reseal', /^reseal: .*path/, { number: 7, null: null }, (x) => reseal(x, alice)],
  ['convert', /^convert: .*Uint8Array/, { 'a path': '/x.wax', number: 7, null: null }, (x) => convert(x, 'compact')],
  ['shred', /^shred: .*path/, { bytes: pattern(9), number: 7, null: null }, (x) => shred(x)],
];

describe.each(REFUSED)('%s', (_, message, inputs, run) => {
  it.each(Object.keys(inputs))('%s', async (name) => {
    await expect(run(inputs[name] as never)).rejects.toSatisfy(
      (error) => error instanceof TypeError && message.test(error.message),
    );
  });
});

describe('chunks that are no bytes', () => {
  const CHUNKS = { text: 'chunk', number: 7, 'an ArrayBuffer': new ArrayBuffer(8) };
  it.each(Object.keys(CHUNKS) as (keyof typeof CHUNKS)[])('%s: seal, open, rewrap, reseal, convert', async (name) => {
    const bad = (): Readable => Readable.from([CHUNKS[name]]);
    await expect(seal(bad(), alice).then((stream) => responseBytes(stream))).rejects.toThrow(TypeError);
    await expect(open(bad(), alice)).rejects.toThrow(TypeError);
    await expect(rewrap(bad(), alice)).rejects.toThrow(TypeError);
    await expect(reseal(bad(), alice)).rejects.toThrow(TypeError);
    await expect(convert(bad(), 'compact')).rejects.toThrow(TypeError);
    const folder = await temporaryFolder();
    await expect(sealFile(bad(), join(folder, 'x.wax'), alice)).rejects.toThrow(TypeError);
    expect(await leftovers(folder)).toEqual([]);
  });
});

it('a header without its payload, and a payload without its header, are refused with what to do', async () => {
  const [, , detached] = samples;
  const { header, payload } = detached?.sealed as { header: Uint8Array; payload: Uint8Array };
  for (const form of [header, [header]]) {
    for (const verb of [open, reseal] as ((sealed: never, key: typeof alice) => Promise<unknown>)[]) {
      await expect(verb(form as never, alice)).rejects.toMatchObject({
        code: 'ERR_PAYLOAD_NOT_FOUND',
        next: expect.stringContaining('{ header, payload }') as string,
      });
    }
  }
  await expect(open(payload, alice)).rejects.toMatchObject({ code: 'ERR_NOT_SEALED' });
});

it('naming a payload for an object that carries its own is refused', async () => {
  for (const { sealed, layout } of samples.slice(0, 2)) {
    const named = { header: sealed as Uint8Array, payload: pattern(200) };
    await expect(open(named, alice), layout).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    await expect(open({ ...named, payload: [pattern(200)] }, alice), layout).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
  }
});
