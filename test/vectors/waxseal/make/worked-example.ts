import type { Made } from './craft.ts';

/** The annotated dump of a small object that stands in SPEC.md. */
export function workedExample({ object, dataKey, bind }: Made): string {
  const view = new DataView(object.buffer, object.byteOffset);
  const coreLength = view.getUint32(12);
  const metaLength = view.getUint32(16);
  const S = view.getUint32(20);
  const P = Math.ceil((138 + coreLength + metaLength) / 4096) * 4096;
  const lines: string[] = [`object of ${String(object.length)} bytes; P = ${String(P)}, S = ${String(S)}`];
  const part = (offset: number, length: number, what: string): number => {
    lines.push('', `${offset.toString(16).padStart(6, '0')}  ${what}`);
    for (let at = 0; at < length; at += 32) {
      const bytes = object.subarray(offset + at, offset + Math.min(at + 32, length));
      lines.push(`        ${Buffer.from(bytes).toString('hex')}`);
    }
    return offset + length;
  };
  const zeros = (from: number, to: number): void => {
    if (object.subarray(from, to).some((byte) => byte !== 0)) throw new Error('not zero');
    lines.push('', `${from.toString(16).padStart(6, '0')}  ${String(to - from)} zero bytes`);
  };
  part(0, 8, 'magic');
  part(8, 4, 'version 1, layout 1 (attached), two reserved bytes');
  part(12, 12, `coreLength ${String(coreLength)}, metaLength ${String(metaLength)}, slotSize ${String(S)}`);
  part(24, 8, 'reserved');
  part(32, 32, 'head hash');
  part(64, coreLength, 'core');
  zeros(64 + coreLength + metaLength, P - 74);
  part(P - 74, 10, 'FLOE header: parameters');
  part(P - 64, 32, 'FLOE header: IV');
  part(P - 32, 32, 'FLOE header: tag');
  const slot = (offset: number, name: string): void => {
    const length = view.getUint32(offset + 16);
    part(offset, 8, `slot ${name}: magic, index, reserved`);
    part(offset + 8, 8, 'generation');
    part(offset + 16, 8, `list length ${String(length)}, slot size ${String(S)}`);
    part(offset + 24, 8, 'reserved');
    part(offset + 32, 32, 'slot hash');
    part(offset + 64, length, 'recipient list');
    zeros(offset + 64 + length, offset + S);
  };
  slot(P, 'A');
  slot(P + S, 'B');
  const head1 = P + 2 * S;
  if (Buffer.compare(object.subarray(0, P), object.subarray(head1, head1 + P)) !== 0) throw new Error('heads differ');
  lines.push('', `${head1.toString(16).padStart(6, '0')}  second head: the first ${String(P)} bytes again`);
  const segments = 2 * P + 2 * S;
  part(segments, 4, 'final segment: marker, which is its length');
  part(segments + 4, 12, 'final segment: IV');
  part(segments + 16, object.length - segments - 32, 'final segment: ciphertext');
  part(object.length - 16, 16, 'final segment: tag');
  lines.push('', `bind     ${Buffer.from(bind).toString('hex')}`, `data key ${Buffer.from(dataKey).toString('hex')}`, '');
  return lines.join('\n');
}
