"""Google's names of members, which clients write in either case."""


def camel(name: str) -> str:
    """`top_k` is `topK`; what is already so stays."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)
