"""The simulator against published hardware results.

published   what others measured: runners/validation/published.csv
simulate    the same models on the same boards, simulated
compare     errors, and those of a constant number of cycles per MAC     Validation
intervals   how far hardware may be from a simulated figure
documents   JSON, CSV and the generated part of the methodology page
figure      predicted against measured (needs the extra ``figures``)
"""
