/**
 * The form of data that came from CBOR: one definition for its type and its check. Small on purpose: it is loaded by
 * every start of the verifier.
 */
export interface Shape<T> {
  /** Carries the type; never there. */
  readonly type?: T;
  /** JSON pointer of the first thing that does not have the form, or undefined. */
  fault(value: unknown, at: string): string | undefined;
}

export interface OptionalShape<T> extends Shape<T> {
  readonly optional: true;
}

export type Shaped<S> = S extends Shape<infer T> ? T : never;

type OptionalNames<M> = { [K in keyof M]: M[K] extends OptionalShape<unknown> ? K : never }[keyof M];
type Members<M> = { readonly [K in Exclude<keyof M, OptionalNames<M>>]: Shaped<M[K]> } & {
  readonly [K in OptionalNames<M>]?: Shaped<M[K]>;
};

const shape = <T>(holds: (value: unknown) => boolean): Shape<T> => ({
  fault: (value, at) => (holds(value) ? undefined : at || '/'),
});

export const text = (longest: number): Shape<string> =>
  shape((value) => typeof value === 'string' && value.length > 0 && value.length <= longest);

export const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER): Shape<number> =>
  shape((value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most);

export const octets = (longest: number): Shape<Uint8Array> =>
  shape((value) => value instanceof Uint8Array && value.length > 0 && value.length <= longest);

export const oneOf = <const V extends readonly (string | number)[]>(...values: V): Shape<V[number]> =>
  shape((value) => (values as readonly unknown[]).includes(value));

export const optional = <T>(inner: Shape<T>): OptionalShape<T> => ({ ...inner, optional: true });

export function list<T>(item: Shape<T>, most: number): Shape<readonly T[]> {
  return {
    fault(value, at) {
      if (!Array.isArray(value) || value.length > most) return at || '/';
      for (const [index, member] of value.entries()) {
        const fault = item.fault(member, `${at}/${index}`);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/** An object with these members and no others. */
export function members<const M extends Readonly<Record<string, Shape<unknown>>>>(
  named: M,
): Shape<Members<M>> {
  return {
    fault(value, at) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return at || '/';
      const given = value as Readonly<Record<string, unknown>>;
      for (const name of Object.keys(given)) if (!Object.hasOwn(named, name)) return `${at}/${name}`;
      for (const [name, member] of Object.entries(named)) {
        if (!Object.hasOwn(given, name)) {
          if ('optional' in member) continue;
          return `${at}/${name}`;
        }
        const fault = member.fault(given[name], `${at}/${name}`);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}
