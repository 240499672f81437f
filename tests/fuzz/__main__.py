"""Read broken inputs and print how they ended; exit status 1 where one ended badly.

::

    python -m tests.fuzz --count 100000 --seed 1
    python -m tests.fuzz --only 4711 --to input.bin       # write one input for a look at it
"""

if __name__ == "__main__":
    from tests.fuzz.team import main  # not above: each process that is started reads this file first

    main()
