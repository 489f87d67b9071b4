"""Neural processing units: what a model costs on them, by the compilers of their makers."""
