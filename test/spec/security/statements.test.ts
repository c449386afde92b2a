/** SPEC.md section 21 and the tests of it say the same, number by number. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const spec = readFileSync(new URL('../../../SPEC.md', import.meta.url), 'utf8');
const section = spec.split('\n## 21. Security considerations\n')[1]?.split('\n## ')[0] ?? '';

/** Text without marks of emphasis and code, as the names of the tests have it. */
const plain = (text: string): string => text.replaceAll(/[*`\\]/g, '');

const [promised = '', notPromised = ''] = section.split('\n### Not promised\n');
const statements = (text: string): [number: string, text: string][] =>
  [...text.matchAll(/^- \[([SN]\d+)\] (.+)$/gm)].map(([, number = '', words = '']) => [number, plain(words)]);

/** Names of the describe and it blocks that begin with a number. */
const tests = readdirSync(new URL('./', import.meta.url))
  .filter((name) => name.endsWith('.test.ts'))
  .flatMap((name) => {
    const source = readFileSync(new URL(name, import.meta.url), 'utf8');
    return [...source.matchAll(/\b(?:describe|it)(?:\.each\([^)]*\)|\.fails)?\(\s*(['"`])\[([SN]\d+)\] (.+?)\1,/g)];
  })
  .map(([, , number = '', title = '']): [number: string, title: string] => [number, plain(title)]);

describe('SPEC.md section 21', () => {
  const all = [...statements(promised), ...statements(notPromised)];

  it('numbers its statements without a gap: S what is promised, N what is not', () => {
    const numbers = (letter: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${letter}${String(i + 1)}`);
    const [s, n] = [statements(promised), statements(notPromised)];
    expect(s.map(([number]) => number)).toEqual(numbers('S', s.length));
    expect(n.map(([number]) => number)).toEqual(numbers('N', n.length));
    expect(Math.min(s.length, n.length)).toBeGreaterThan(10);
    // No line of a list goes unnumbered.
    expect(section.match(/^- /gm)).toHaveLength(all.length);
  });

  it('has one test for every statement, and no test is without its statement', () => {
    const order = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
    expect(tests.map(([number]) => number).sort(order)).toEqual(all.map(([number]) => number).sort(order));
  });

  it.each(tests)('[%s] is named by the first words of its statement', (number, title) => {
    const text = new Map(all).get(number) ?? '';
    expect(text.startsWith(title) && /^[.:]/.test(text.slice(title.length)), `${title} / ${text}`).toBe(true);
  });

  it('names no number that there is not', () => {
    const there = new Set(all.map(([number]) => number));
    expect(
      [...section.matchAll(/\[([SN]\d+)\]/g)].map(([, number = '']) => number).filter((n) => !there.has(n)),
    ).toEqual([]);
  });
});
