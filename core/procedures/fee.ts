import { ConsulError } from '../errors.ts';
import type { Words } from './definition.ts';
import { evaluate, type Procedure, type RequestData, requestValues } from './procedure.ts';

/** A consular fee (droit de chancellerie) before any exemption. */
export interface Fee {
  readonly category: string;
  readonly label: Words;
  /** Units of the currency, with at most two decimals. */
  readonly amount: number;
  readonly currency: string;
}

/**
 * The fee of a request, from the tariff in the currency of the post.
 *
 * @throws ConsulError PROCEDURE_INVALID where there is no tariff in this currency
 */
export function feeFor(
  procedure: Procedure,
  data: RequestData,
  { currency, today }: { readonly currency: string; readonly today: string },
): Fee {
  const { categories, amounts } = procedure.definition.fee;
  const values = requestValues(procedure, data, today);
  const category = categories.find(
    ({ when }) => when === undefined || evaluate(procedure, when, values) === true,
  );
  const table = Object.hasOwn(amounts, currency) ? amounts[currency] : undefined;
  const amount = category && table?.[category.id];
  if (!category || amount === undefined) {
    throw new ConsulError(
      'PROCEDURE_INVALID',
      `${procedure.id}/procedure.yaml /fee/amounts: no tariff in ${currency}, the currency of the post`,
    );
  }
  return { category: category.id, label: category.label, amount, currency };
}
