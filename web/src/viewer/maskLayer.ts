/** Masks of one slice as filled pixels and outlines; only organs that changed are computed anew. */

import { type Box, type Vec3, boxSize, bytesOfBox, intersectBoxes, isEmptyBox, sliceOfBox } from '../engine';
import type { PlaneAxes } from '../geometry/planes';
import type { MaskSource } from '../task/maskSource';
import { type Segments, outlineSegments } from './outlines';

/** An organ to draw, in its colour. */
export interface DrawnOrgan {
  readonly organ: string;
  readonly colour: readonly [number, number, number];
}

/** One organ's part of a slice, in the plane's own right and down order. */
interface OrganSlice {
  readonly index: number;
  readonly version: number;
  readonly box: Box;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
  segments: Segments | undefined;
}

/** What a plane draws of masks. */
export class MaskLayer {
  private readonly slices = new Map<string, OrganSlice>();

  constructor(private readonly plane: PlaneAxes) {}

  /** The organ's outline in voxel coordinates of the right and down axes, as segments and where they begin. */
  outline(
    source: MaskSource,
    organ: string,
    index: number,
  ): { segments: Segments; at: readonly [number, number] } {
    const slice = this.sliceOf(source, organ, index);
    slice.segments ??= outlineSegments(slice.bytes, slice.width, slice.height);
    return { segments: slice.segments, at: this.originOf(slice) };
  }

  /** The organ's voxels in the slice, as bytes, or nothing if there are none. */
  filled(source: MaskSource, organ: string, index: number): OrganPixels | undefined {
    const slice = this.sliceOf(source, organ, index);
    if (slice.bytes.length === 0) return undefined;
    const { width, height, bytes } = slice;
    return { width, height, bytes, at: this.originOf(slice) };
  }

  private originOf({ box }: OrganSlice): readonly [number, number] {
    return [box.min[this.plane.right] - 0.5, box.min[this.plane.down] - 0.5];
  }

  private sliceOf(source: MaskSource, organ: string, index: number): OrganSlice {
    const key = `${source.id}/${organ}`;
    const version = source.version(organ);
    const known = this.slices.get(key);
    if (known !== undefined && known.index === index && known.version === version) return known;
    const made = this.read(source, organ, index, version);
    this.slices.set(key, made);
    return made;
  }

  private read(source: MaskSource, organ: string, index: number, version: number): OrganSlice {
    const plane = { axis: this.plane.across, index };
    const box = sliceOfBox(intersectBoxes(source.extent(organ), source.loadedBox), plane);
    if (isEmptyBox(box))
      return { index, version, box, width: 0, height: 0, bytes: new Uint8Array(0), segments: undefined };
    const bytes = bytesOfBox(source.size, source.bits(organ), box);
    return { index, version, box, ...this.turned(boxSize(box), bytes), segments: undefined };
  }

  /** Bytes with the right axis fastest; in the array the lower axis is. */
  private turned(size: Vec3, bytes: Uint8Array): Pick<OrganSlice, 'width' | 'height' | 'bytes'> {
    const [width, height] = [size[this.plane.right], size[this.plane.down]];
    if (this.plane.right < this.plane.down) return { width, height, bytes };
    const turned = new Uint8Array(bytes.length);
    for (let x = 0; x < width; x += 1) {
      for (let y = 0; y < height; y += 1) turned[x + y * width] = bytes[y + x * height]!;
    }
    return { width, height, bytes: turned };
  }
}

/** Voxels of an organ in a slice. */
export interface OrganPixels {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
  readonly at: readonly [number, number];
}

/** Colour the voxels of an organ. */
export function colourPixels(
  { width, height, bytes }: OrganPixels,
  [r, g, b]: DrawnOrgan['colour'],
  alpha: number,
): ImageData {
  const image = new ImageData(Math.max(1, width), Math.max(1, height));
  const pixels = new Uint32Array(image.data.buffer);
  const packed = ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  for (let n = 0; n < bytes.length; n += 1) if (bytes[n] !== 0) pixels[n] = packed;
  return image;
}
