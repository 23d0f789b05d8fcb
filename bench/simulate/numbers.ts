import { whole } from "../figures.ts";

export const percent = (share: number) => (share * 100).toFixed(1);
/** In two figures. */
export const about = (value: number) => whole(Number(value.toPrecision(2)));
export const dollars = (value: number) => `$${about(value)}`;
export const rate = (value: number) => (value < 10 ? value.toFixed(1) : whole(value));
