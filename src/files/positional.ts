import type { FileHandle } from 'node:fs/promises';

/**
 * Reads `length` bytes at `position`, or fewer where the file ends; a short read of the kernel is continued.
 *
 * @returns `into` cut to what was read (a view of it)
 */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<Uint8Array> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}

/** Writes all of `bytes` at `position`; a short write of the kernel is continued. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Writes all of `parts`, one behind the other, at `position`. */
export async function writeParts(handle: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  const { bytesWritten } = await handle.writev(parts, position);
  let skip = bytesWritten;
  let offset = position;
  for (const part of parts) {
    const done = Math.min(skip, part.length);
    skip -= done;
    // After a short write of the kernel the rest goes part by part.
    if (done < part.length) await writeFully(handle, part.subarray(done), offset + done);
    offset += part.length;
  }
}
