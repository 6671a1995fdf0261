import { colorNames } from "@v-triune/demo-tasks/questions";
import type { ComponentChildren } from "preact";
import type { OwnSource, RunSettings } from "./protocol";
import { LIMITS, NUMBERS, OWN_DEFAULT, SIZES } from "./settings";

const LABELS: Readonly<Record<(typeof NUMBERS)[number], string>> = {
  seed: "Seed",
  steps: "Steps",
  heldOut: "Held-out questions per source",
};

interface RunFormProps {
  readonly settings: RunSettings;
  readonly isRunning: boolean;
  readonly onChange: (settings: RunSettings) => void;
  readonly onStart: () => void;
  /** The buttons. */
  readonly children: ComponentChildren;
}

/** What a run depends on. */
export function RunForm({ settings, isRunning, onChange, onStart, children }: RunFormProps) {
  const { own } = settings;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onStart();
      }}
    >
      <div class="filters">
        {NUMBERS.map((name) => (
          <NumberField
            key={name}
            label={LABELS[name]}
            limits={LIMITS[name]}
            value={settings[name]}
            disabled={isRunning}
            onChange={(value) => onChange({ ...settings, [name]: value })}
          />
        ))}
        <label>
          <input
            type="checkbox"
            checked={own !== null}
            disabled={isRunning}
            onChange={({ currentTarget: { checked } }) => onChange({ ...settings, own: checked ? OWN_DEFAULT : null })}
          />{" "}
          Add a source of my own
        </label>
        {children}
      </div>
      {own && (
        <OwnSourceFields
          own={own}
          disabled={isRunning}
          onChange={(changed) => onChange({ ...settings, own: changed })}
        />
      )}
    </form>
  );
}

interface OwnSourceFieldsProps {
  readonly own: OwnSource;
  readonly disabled: boolean;
  readonly onChange: (own: OwnSource) => void;
}

/** Counting questions: how many of a shape, in which colors and sizes. */
function OwnSourceFields({ own, disabled, onChange }: OwnSourceFieldsProps) {
  const [least, most] = own.counts;
  const field = (label: string, value: number, changed: (value: number) => OwnSource["counts"]) => (
    <NumberField
      label={label}
      limits={LIMITS.counts}
      value={value}
      disabled={disabled}
      onChange={(next) => onChange({ ...own, counts: changed(next) })}
    />
  );
  return (
    <fieldset class="own-source">
      <legend>My source asks how many of a shape there are</legend>
      {field("From", least, (next) => [next, next > most ? next : most])}
      {field("to", most, (next) => [next < least ? next : least, next])}
      <Choices
        label="Colors"
        all={colorNames}
        chosen={own.colors}
        disabled={disabled}
        onChange={(colors) => onChange({ ...own, colors })}
      />
      <Choices
        label="Sizes in pixels"
        all={SIZES}
        chosen={own.sizes}
        disabled={disabled}
        onChange={(sizes) => onChange({ ...own, sizes })}
      />
    </fieldset>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly limits: { readonly least: number; readonly most: number };
  readonly value: number;
  readonly disabled: boolean;
  readonly onChange: (value: number) => void;
}

function NumberField({ label, limits, value, disabled, onChange }: NumberFieldProps) {
  return (
    <label>
      {label}
      <input
        type="number"
        required
        min={limits.least}
        max={limits.most}
        value={value}
        disabled={disabled}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}

interface ChoicesProps<T extends string | number> {
  readonly label: string;
  readonly all: readonly T[];
  /** One or more of them. */
  readonly chosen: readonly T[];
  readonly disabled: boolean;
  readonly onChange: (chosen: readonly T[]) => void;
}

/** Boxes to tick; the last one that is ticked stays. */
function Choices<T extends string | number>({ label, all, chosen, disabled, onChange }: ChoicesProps<T>) {
  return (
    <span role="group" aria-label={label}>
      {label}:
      {all.map((one) => {
        const isChosen = chosen.includes(one);
        return (
          <label key={one}>
            <input
              type="checkbox"
              checked={isChosen}
              disabled={disabled || (isChosen && chosen.length === 1)}
              onChange={() => onChange(all.filter((other) => (other === one ? !isChosen : chosen.includes(other))))}
            />{" "}
            {one}
          </label>
        );
      })}
    </span>
  );
}
