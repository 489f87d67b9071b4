"""Recipes that train the reference models. They need the extra ``train``; nothing else imports them."""
