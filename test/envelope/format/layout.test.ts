import { describe, expect, it } from 'vitest';
import { geometryOf } from '../../../src/envelope/format/geometry.ts';
import { type Layout, layoutOf, requireLayout } from '../../../src/envelope/format/layout.ts';

describe('layouts (SPEC section 4)', () => {
  it('have the numbers of the table', () => {
    expect([0, 1, 2, 3, 4, undefined].map(layoutOf)).toEqual([
      undefined,
      'attached',
      'compact',
      'detached',
      undefined,
      undefined,
    ]);
  });

  it('are asked for by name; attached is the default', () => {
    expect(requireLayout(undefined)).toBe('attached');
    for (const layout of ['attached', 'compact', 'detached'] as const) expect(requireLayout(layout)).toBe(layout);
  });

  it.each(['Compact', '', 'toString', 2, null])('refuses %j', (layout) => {
    expect(() => requireLayout(layout as Layout)).toThrow(
      new TypeError('layout must be one of attached, compact, detached'),
    );
  });
});

describe('geometry of the layouts that are replaced whole (SPEC section 10)', () => {
  const lengths = { coreLength: 100, metaLength: 92, recipientsSize: 200 };

  it('compact: prelude, core, metadata, recipients, FLOE header, segments', () => {
    expect(geometryOf({ layout: 'compact', ...lengths })).toEqual({
      layout: 'compact',
      block: 32 + 100 + 92,
      blockLength: 32 + 200,
      headLength: 32 + 100 + 92 + 232 + 74,
      prefixLength: 32 + 100 + 92 + 232 + 74,
      segments: 32 + 100 + 92 + 232 + 74,
    });
  });

  it('detached: the segments stand in the payload, behind its FLOE header', () => {
    expect(geometryOf({ layout: 'detached', ...lengths })).toEqual({
      layout: 'detached',
      block: 32 + 32 + 100 + 92 + 74,
      blockLength: 32 + 200,
      headLength: 32 + 32 + 100 + 92 + 74,
      prefixLength: 32 + 32 + 100 + 92 + 74 + 232,
      segments: 74,
    });
  });
});
