import { beforeAll, describe, expect, it } from 'vitest';
import { buildIfStale } from '../build.ts';
import { compileExamples, type DocExample, type Exports, readExamples } from './doc-examples.ts';

const VERBS = [
  'seal',
  'open',
  'sealFile',
  'openFile',
  'openObject',
  'openRange',
  'rewrap',
  'addRecipient',
  'removeRecipient',
  'repair',
  'inspect',
  'verify',
  'sealedSize',
  'plaintextSize',
  'createLocalKeyring',
  'openLocalKeyring',
];

describe('the examples in the reference', () => {
  let examples: readonly DocExample[];
  let exports: Exports;

  beforeAll(() => {
    buildIfStale();
    ({ examples, exports } = readExamples());
  });

  it.each(VERBS)('%s has one', (verb) => {
    expect(examples.filter(({ from, of }) => from === 'waxseal' && of === verb)).not.toEqual([]);
  });

  it('every one of them compiles against the package as it is built', () => {
    expect(examples.length).toBeGreaterThanOrEqual(VERBS.length);
    const complaints = compileExamples(examples, exports);
    expect(examples.map(({ of, code }, index) => ({ of, code, says: complaints[index] }))).toEqual(
      examples.map(({ of, code }) => ({ of, code, says: [] })),
    );
  });

  it('one that has rotted would be found', () => {
    const rotten = [
      'await seal(keyring);',
      "await rewrap('model.onnx.wax', keyring.key('default'), { noSuchOption: 1 });",
      'const { nothing } = await inspect(sealed);',
      'await gone();',
    ].map((code) => ({ of: 'seal', from: 'waxseal', code }));
    for (const [index, says] of compileExamples(rotten, exports).entries()) {
      expect(says, rotten[index]?.code).toHaveLength(1);
    }
  });
});
