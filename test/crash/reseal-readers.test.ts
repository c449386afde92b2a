/**
 * ATTACKS 12: processes reseal one object without a pause and are killed at random moments, while readers open it by its
 * name: every open gives the whole plaintext, whatever was under way.
 */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openObject, verify } from '../../src/envelope/index.ts';
import { scaled } from '../tier.ts';
import { openRing, places } from './support/operations.ts';
import { buildWorld, PLAINTEXT } from './support/world.ts';

const SECONDS = scaled(2, 15, 300);
const CHILD = join(import.meta.dirname, 'support/resealing-process.ts');
let world = '';

beforeAll(async () => {
  world = await buildWorld();
});

afterAll(async () => {
  await rm(world, { recursive: true, force: true });
});

it.each(['sealed', 'compact', 'header'] as const)(
  'readers of %s never miss while it is resealed and its resealers are killed',
  { timeout: (SECONDS + 60) * 1000 },
  async (name) => {
    const path = places(world)[name];
    const ring = await openRing(places(world));
    const keys = [ring.key('default'), ring.key('recovery')];
    const end = performance.now() + SECONDS * 1000;
    let reseals = 0;
    let kills = 0;
    const resealer = async (): Promise<void> => {
      while (performance.now() < end || reseals < 4) {
        const child = spawn(process.execPath, [CHILD, world, path], { stdio: ['ignore', 'pipe', 'pipe'] });
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => (reseals += chunk.length));
        child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
        const died = new Promise<string | null>((resolve) => child.once('close', (_code, signal) => resolve(signal)));
        // Once it works, at any moment; on a slow machine that is when it has said so.
        await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), sleep(5000)]);
        await sleep(Math.random() * 400);
        child.kill('SIGKILL');
        expect(await died, said).toBe('SIGKILL');
        kills += 1;
      }
    };
    const ids = new Set<string>();
    let opens = 0;
    const reader = async (): Promise<void> => {
      while (performance.now() < end || ids.size < 2) {
        const object = await openObject(path, keys);
        const plaintext = await object.read(0);
        ids.add(object.info.id);
        await object.close();
        expect(Buffer.compare(plaintext, PLAINTEXT)).toBe(0);
        opens += 1;
      }
    };
    await Promise.all([resealer(), resealer(), reader(), reader()]);
    console.log(
      `${name}: ${String(opens)} opens of ${String(ids.size)} states, ${String(reseals)} reseals, ${String(kills)} kills`,
    );
    expect(reseals).toBeGreaterThan(1);
    expect(ids.size).toBeGreaterThan(1);
    const { ok } = await verify(path, keys);
    expect(ok).toBe(true);
    ring.close();
  },
);
