import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { newestRecordTime } from '../../../src/keys/local/newest-record.ts';
import { testRing } from './rings.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('the newest record of a keyring', () => {
  it('is the latest of keyring, key versions, states and backup, without unlocking', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-01-01T00:00:00Z') });
    const { ring, base, folder } = await testRing();
    const steps: [string, () => Promise<unknown>][] = [
      ['2031-01-01T00:00:00.000Z', () => ring.rotate('default')],
      ['2032-01-01T00:00:00.000Z', () => ring.setState('default', '1', 'suspended')],
      ['2033-01-01T00:00:00.000Z', () => ring.backup(join(base, 'backup'), 'x')],
    ];
    expect(await newestRecordTime(folder)).toEqual(new Date('2030-01-01T00:00:00Z'));
    for (const [time, step] of steps) {
      vi.setSystemTime(new Date(time));
      await step();
      expect((await newestRecordTime(folder))?.toISOString()).toBe(time);
    }
    ring.close();
    await writeFile(join(folder, 'last-backup.json'), 'no record');
    expect((await newestRecordTime(folder))?.toISOString()).toBe('2032-01-01T00:00:00.000Z');
    expect(await newestRecordTime(join(base, 'missing'))).toBeUndefined();
  });
});
