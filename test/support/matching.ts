import { expect } from 'vitest';

/** A text with this in it, for `toMatchObject`. */
export const containing = (text: string): unknown => expect.stringContaining(text) as unknown;

/** A text that looks like this. */
export const like = (pattern: RegExp): unknown => expect.stringMatching(pattern) as unknown;
