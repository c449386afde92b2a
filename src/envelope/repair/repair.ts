import { isWaxsealError, refuseUnknownOptions } from '../../errors/index.ts';
import { requirePath } from '../path-input.ts';
import { keyList, type Keys } from '../keys-input.ts';
import { readHead } from '../read-head.ts';
import { IN_PLACE_OPTIONS } from '../rewrap/change-object.ts';
import { type ObjectFile, withObjectFile } from '../rewrap/object-file.ts';
import type { Layout } from '../format/layout.ts';
import { readDonor } from './donor.ts';
import type { RepairOptions, RepairReport } from './options.ts';
import { repairBlock } from './repair-block.ts';
import { repairSlots } from './repair-slots.ts';

/**
 * Restores damaged heads and recipients of a sealed file from what survived in it, or from another copy; completes or
 * undoes an interrupted reseal of a detached object. Nothing is written before the surviving parts were proven: they must
 * give the data key that the payload commits to.
 *
 * @param file path or file URL of the sealed file, or the header of a detached object
 * @throws WaxsealError `ERR_HEADER_DAMAGED` when too little survived, `ERR_UNEXPECTED_OBJECT` when `from` is another
 * object, and what opening and writing can fail with
 *
 * @example
 * const { repaired } = await repair('model.onnx.wax', keyring.key('default'), { from: 'backup/model.onnx.wax' });
 */
export async function repair(file: string | URL, keys: Keys, options: RepairOptions = {}): Promise<RepairReport> {
  refuseUnknownOptions('repair', options, [...IN_PLACE_OPTIONS, 'from', 'payload']);
  const providers = keyList(keys, 'repair');
  const path = requirePath('repair', file);
  const donor = options.from === undefined ? undefined : await readDonor(options.from);
  return withObjectFile(path, options, async (opened) => {
    const layout = await layoutOf(opened);
    if (layout === 'attached') return repairSlots(opened, providers, donor, options);
    if (layout !== undefined) return repairBlock(opened, providers, donor, options);
    // Nothing says what the file was. Each way proves itself by the payload before it writes.
    try {
      return await repairSlots(opened, providers, donor, options);
    } catch (error) {
      if (!isWaxsealError(error) || donor === undefined) throw error;
      return repairBlock(opened, providers, donor, options).catch(() => {
        throw error;
      });
    }
  });
}

/** The layout of a file, if anything of its head is left. */
async function layoutOf(file: ObjectFile): Promise<Layout | undefined> {
  try {
    return (await readHead(file)).head.geometry.layout;
  } catch (error) {
    if (isWaxsealError(error)) return undefined;
    throw error;
  }
}
