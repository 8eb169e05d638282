#!/usr/bin/env perl
# LazyAdam as a program that the suite judges: lazyadam check --program ./lazy_adam.pl
# Perl computes in float64, and so takes that type alone. The protocol: suites/backends/PROGRAM.md.
use strict;
use warnings;

$| = 1;
my @words;
my @p;    # of each parameter: rows, width, t, lr, beta1, beta2, epsilon, w, m, v

sub word {
    while (!@words) {
        my $line = <STDIN>;
        exit 0 unless defined $line;
        @words = split ' ', $line;
    }
    return shift @words;
}

sub number { return unpack 'd>', pack 'H16', word() }

sub numbers { my ($count) = @_; return [map { number() } 1 .. $count] }

sub bits { return join ' ', map { unpack 'H16', pack 'd>', $_ } @_ }

sub update {
    my ($p, %g) = @_;
    my ($b1, $b2, $t) = ($p->{beta1}, $p->{beta2}, ++$p->{t});
    my $alpha = $p->{lr} * sqrt(1 - $b2**$t) / (1 - $b1**$t);
    for my $row (keys %g) {
        for my $j (0 .. $p->{width} - 1) {
            my $i = $row * $p->{width} + $j;
            my $x = $g{$row}[$j];
            $p->{m}[$i] = $b1 * $p->{m}[$i] + (1 - $b1) * $x;
            $p->{v}[$i] = $b2 * $p->{v}[$i] + (1 - $b2) * $x * $x;
            my $d = sqrt($p->{v}[$i]) + $p->{epsilon};
            my $n = $alpha * $p->{m}[$i];
            $p->{w}[$i] -= $d == 0 ? ($n == 0 || $n != $n ? 'nan' : $n * 9**9**9) : $n / $d;
        }
    }
}

sub step {
    my ($p) = @_;
    my $kind = word();
    if ($kind eq 'sparse') {
        my @rows = map { word() } 1 .. word();
        my @values = map { numbers($p->{width}) } @rows;
        return "refuse a row that is not there" if grep { $_ < 0 || $_ >= $p->{rows} } @rows;
        my %g;
        for my $k (0 .. $#rows) {
            my $sum = $g{ $rows[$k] } //= [(0) x $p->{width}];
            $sum->[$_] += $values[$k][$_] for 0 .. $p->{width} - 1;
        }
        update($p, %g);
    }
    return join ' ', $p->{t}, bits(@{ $p->{w} }, @{ $p->{m} }, @{ $p->{v} });
}

while (1) {
    my $word = word();
    if ($word eq 'lazyadam') {
        word();    # the version
        print "lazyadam 1 float64 sparse\n";
    }
    elsif ($word eq 'case') {
        word();    # float64
        @p = map {
            my %p = (rows => word(), width => word(), t => word());
            $p{$_} = number() for qw(lr beta1 beta2 epsilon);
            $p{$_} = numbers($p{rows} * $p{width}) for qw(w m v);
            \%p;
        } 1 .. word();
    }
    elsif ($word eq 'step') { print join("\n", map { step($_) } @p), "\n" }
    elsif ($word eq 'lr') { $_->{lr} = number() for @p }
}
