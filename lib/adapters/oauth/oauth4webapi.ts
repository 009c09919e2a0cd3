// The only import of the library, so that one file shows what a change of it touches.
export * from "oauth4webapi";
