/** sealedSize and plaintextSize say beforehand what seal makes, in every layout. */
import { describe, expect, it } from 'vitest';
import { inspect, plaintextSize, sealedSize, type SizeOptions } from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { bodyOf, headOf, LAYOUTS, LONG, sealAny, SEGMENT, SIZES, whole } from './support.ts';

const SHAPES: Readonly<Record<string, SizeOptions>> = {
  'no context': {},
  'a context': { context: { dataset: 'faces', stage: 'training' } },
  'private metadata': { metadata: { name: 'weights.bin', mediaType: 'application/octet-stream' } },
};

describe.each(LAYOUTS)('%s', (layout) => {
  describe.each(Object.keys(SHAPES))('%s', (shapeName) => {
    it.each([...SIZES, LONG])('sealedSize: %i bytes', async (size) => {
      for (const [options, length] of await sealings(size)) expect(sealedSize(size, options)).toBe(length);
    });

    it.each([...SIZES, LONG])('plaintextSize: %i bytes', async (size) => {
      for (const [options, length] of await sealings(size)) expect(plaintextSize(length, options)).toBe(size);
    });

    /** An object with its size and one without: options, and the length of its one piece or payload. */
    async function sealings(size: number): Promise<[SizeOptions, number][]> {
      const made: [SizeOptions, number][] = [];
      for (const sizeKnown of [true, false]) {
        const shape = { layout, segmentLength: SEGMENT, ...SHAPES[shapeName] };
        const sealed = await whole(await sealAny(sizeKnown ? pattern(size) : [pattern(size)], shape));
        const { recipientsLength } = await inspect(headOf(sealed));
        const options = { ...shape, sizeKnown, ...(layout === 'compact' ? { recipientsLength } : {}) };
        made.push([options, bodyOf(sealed).length]);
      }
      return made;
    }
  });
});
