/** Settings of the tools, in mm, HU and mL. */

import type { Overlap } from '../engine';
import type { CopyScope } from '../tools/settings';
import type { Shared } from './App';

interface NumberFieldProps {
  readonly label: string;
  readonly unit: string;
  readonly id: string;
  readonly value: number;
  readonly step: number;
  readonly least: number;
  readonly onChange: (value: number) => void;
}

function NumberField({ label, unit, id, value, step, least, onChange }: NumberFieldProps) {
  const take = (event: Event): void => {
    const given = (event.currentTarget as HTMLInputElement).valueAsNumber;
    if (Number.isFinite(given)) onChange(Math.max(least, given));
  };
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        data-testid={`setting-${id}`}
        value={value}
        step={step}
        min={least}
        onChange={take}
      />
      <span class="unit">{unit}</span>
    </label>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly id: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChange: (value: Value) => void;
}

function Choice<Value extends string>({ label, id, value, options, onChange }: ChoiceProps<Value>) {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        data-testid={`setting-${id}`}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Value)}
      >
        {options.map(([option, said]) => (
          <option key={option} value={option}>
            {said}
          </option>
        ))}
      </select>
    </label>
  );
}

const OVERLAPS: readonly (readonly [Overlap, string])[] = [
  ['take', 'take'],
  ['avoid', 'leave'],
  ['allow', 'share'],
];
const SCOPES: readonly (readonly [CopyScope, string])[] = [
  ['slice', 'slice'],
  ['spot', 'hot spot'],
  ['loaded', 'all loaded'],
];

/** Draw the settings. */
export function ToolOptions({ page }: Shared) {
  const { settings } = page;
  const set =
    <Key extends keyof typeof settings>(key: Key) =>
    (value: (typeof settings)[Key]): void => {
      settings[key] = value;
      page.update();
    };
  return (
    <section class="options" aria-label="Settings of the tools">
      <h2>Settings</h2>
      <NumberField
        label="Brush"
        unit="mm"
        id="radius"
        value={settings.radiusMm}
        step={0.5}
        least={0}
        onChange={set('radiusMm')}
      />
      <Choice
        label="Shape"
        id="ball"
        value={settings.isBall ? 'ball' : 'disc'}
        options={[
          ['disc', 'disc'],
          ['ball', 'ball'],
        ]}
        onChange={(value) => set('isBall')(value === 'ball')}
      />
      <NumberField
        label="HU from"
        unit="HU"
        id="band-low"
        value={settings.band.low}
        step={10}
        least={-1024}
        onChange={(low) => set('band')({ ...settings.band, low })}
      />
      <NumberField
        label="HU to"
        unit="HU"
        id="band-high"
        value={settings.band.high}
        step={10}
        least={-1024}
        onChange={(high) => set('band')({ ...settings.band, high })}
      />
      <Choice
        label="Others"
        id="overlap"
        value={settings.overlap}
        options={OVERLAPS}
        onChange={set('overlap')}
      />
      <NumberField
        label="Grow by"
        unit="mm"
        id="step"
        value={settings.stepMm}
        step={0.5}
        least={0.1}
        onChange={set('stepMm')}
      />
      <NumberField
        label="Smooth"
        unit="mm"
        id="sigma"
        value={settings.sigmaMm}
        step={0.5}
        least={0.1}
        onChange={set('sigmaMm')}
      />
      <NumberField
        label="Fill up to"
        unit="mL"
        id="flood"
        value={settings.floodMl}
        step={10}
        least={0.1}
        onChange={set('floodMl')}
      />
      <Choice
        label="Copy in"
        id="copy"
        value={settings.copyScope}
        options={SCOPES}
        onChange={set('copyScope')}
      />
    </section>
  );
}
