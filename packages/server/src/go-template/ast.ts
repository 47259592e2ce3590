/** What the parser makes of a template. Every `pos` is the index of a byte in its source. */
import type { NumberLiteral } from './number.ts';

export type Node =
  | { kind: 'text'; pos: number; text: string }
  | { kind: 'action'; pos: number; pipe: Pipe }
  | Branch
  | { kind: 'template'; pos: number; name: string; pipe: Pipe | undefined }
  | { kind: 'break' | 'continue'; pos: number };

export type List = readonly Node[];

export interface Branch {
  kind: 'if' | 'with' | 'range';
  pos: number;
  pipe: Pipe;
  list: List;
  elseList: List | undefined;
}

export interface Pipe {
  kind: 'pipe';
  pos: number;
  /** Names of the variables that get its value; of a range, those of the key and the element. */
  variables: string[];
  /** Whether they are there already. */
  assigns: boolean;
  commands: Command[];
}

/** The first operand, applied to the others. */
export interface Command {
  pos: number;
  operands: [Operand, ...Operand[]];
}

export type Operand =
  | { kind: 'bool'; pos: number; value: boolean }
  | { kind: 'number'; pos: number; text: string; value: NumberLiteral }
  | { kind: 'string'; pos: number; text: string; value: string }
  | { kind: 'nil' | 'dot'; pos: number }
  | FieldOperand
  | VariableOperand
  | FunctionOperand
  | ChainOperand
  | Pipe;

/** `.a.b` */
export interface FieldOperand {
  kind: 'field';
  pos: number;
  path: string[];
}

/** `$a.b` */
export interface VariableOperand {
  kind: 'variable';
  pos: number;
  name: string;
  path: string[];
}

export interface FunctionOperand {
  kind: 'function';
  pos: number;
  name: string;
}

/** `(…).a.b`, and `now.Unix` */
export interface ChainOperand {
  kind: 'chain';
  pos: number;
  base: FunctionOperand | Pipe;
  path: string[];
}
