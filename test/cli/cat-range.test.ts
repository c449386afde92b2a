import { beforeEach, describe, expect, it } from 'vitest';
import { pattern } from '../support/bytes.ts';
import { type CommandLine, preparedCommandLine } from '../support/cli.ts';

const SIZE = 300_000;
const plaintext = Buffer.from(pattern(SIZE));

describe('cat --range', () => {
  let cli: CommandLine;

  beforeEach(async () => {
    cli = await preparedCommandLine();
  });

  it.each([
    [['--range', '0-0'], 0, 1],
    [['--range', '10-19'], 10, 20],
    [['--range', '299990-'], 299_990, SIZE],
    [['--range', '299990-999999999'], 299_990, SIZE],
    [['--range=-7'], SIZE - 7, SIZE],
    [['--range=-999999999'], 0, SIZE],
  ])('%j writes these bytes, as HTTP has them', (args, start, end) => {
    const { status, bytes } = cli.run(['cat', 'm.wax', ...args]);
    expect(status).toBe(0);
    expect(bytes.equals(plaintext.subarray(start, end))).toBe(true);
  });

  it.each(['300000-', '300000-300001', '-0'])(
    '%s lies outside: exit 3, and the message says how long it is',
    (range) => {
      const { status, stdout, stderr } = cli.run(['cat', 'm.wax', `--range=${range}`]);
      expect([status, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(/m\.wax.*300000 bytes.*ERR_RANGE_NOT_SATISFIABLE/);
    },
  );

  it.each(['9-3', '1-2,4-5', '', '-', 'a-b', 'bytes=0-1'])('%j is refused: exit 2', (range) => {
    const { status, stdout, stderr } = cli.run(['cat', 'm.wax', `--range=${range}`]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--range takes');
  });
});
