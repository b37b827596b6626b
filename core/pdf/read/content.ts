import { type Budget, invalid } from './bounds.ts';
import { Keyword, Lexer } from './lexer.ts';
import type { PdfObject } from './objects.ts';

const maxOperands = 64;

/**
 * Goes through a content stream (ISO 32000-2 §7.8.2); inline images are refused.
 * @param onOperator what it is given as operands is used again after the call
 * @throws ConsulError PDF_INVALID for what is not operands and operators, PDF_TOO_COMPLEX
 */
export function readOperators(
  content: Uint8Array,
  budget: Budget,
  onOperator: (operator: string, operands: readonly PdfObject[]) => void,
): void {
  const lexer = new Lexer(content, 0, content.length, budget, { references: false });
  const operands: PdfObject[] = [];
  for (;;) {
    const token = lexer.next();
    if (token === undefined) break;
    if (!(token instanceof Keyword)) {
      if (operands.length >= maxOperands) invalid(lexer.position, 'too many operands in a content stream');
      operands.push(token);
      continue;
    }
    if (token.text === 'BI') invalid(lexer.position, 'an inline image');
    budget.spendOperators(1);
    onOperator(token.text, operands);
    while (operands.length > 0) operands.pop();
  }
  if (operands.length > 0) invalid(lexer.position, 'a content stream ends within an operator');
}

/** The operands as exactly `count` numbers. */
export function numbers(operator: string, operands: readonly PdfObject[], count: number): readonly number[] {
  let sound = operands.length === count;
  for (const operand of operands) if (typeof operand !== 'number') sound = false;
  if (!sound) invalid(0, `the operator ${operator} takes ${count} numbers`);
  return operands as readonly number[];
}

/** [a b c d e f] of ISO 32000-2 §8.3.3. */
export type Matrix = readonly [number, number, number, number, number, number];

export const identity: Matrix = [1, 0, 0, 1, 0, 0];

/** First `a`, then `b`. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  return [
    a[0] * b[0] + a[1] * b[2],
    a[0] * b[1] + a[1] * b[3],
    a[2] * b[0] + a[3] * b[2],
    a[2] * b[1] + a[3] * b[3],
    a[4] * b[0] + a[5] * b[2] + b[4],
    a[4] * b[1] + a[5] * b[3] + b[5],
  ];
}
