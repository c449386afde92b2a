import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Incompressible bytes, the same in every run: an AES-CTR key stream. Gives their SHA-256. */
export async function makeLargeFile(path: string, size: number): Promise<string> {
  const cipher = createCipheriv('aes-256-ctr', new Uint8Array(32).fill(7), new Uint8Array(16));
  const zeros = new Uint8Array(8 * 2 ** 20);
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  try {
    for (let done = 0; done < size; done += zeros.length) {
      const chunk = cipher.update(zeros.subarray(0, Math.min(zeros.length, size - done)));
      hash.update(chunk);
      await handle.write(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Runs a program on the built package in a process of its own, and gives its peak resident memory in MiB. */
export function peakOf(program: string, folder: string): Promise<number> {
  const script = `
    const waxseal = await import('${join(ROOT, 'dist/src/index.js')}');
    const { createLocalKeyring, openLocalKeyring, openFile, sealFile } = waxseal;
    ${program}
    console.log('peak', process.resourceUsage().maxRSS);
  `;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.on('close', (code) => {
      const kib = Number(/peak (\d+)/.exec(out)?.[1]);
      if (code === 0 && kib > 0) resolve(kib / 1024);
      else reject(new RangeError(`the child ended with ${String(code)}: ${out}`));
    });
  });
}
